"""Holdout and folds: every row has its place, and nothing of the validation rows is in the training rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mlestar.data.sources import read_table
from mlestar.data.splits import (
    default_folds,
    default_holdout,
    default_repeats,
    make_folds,
    split_holdout,
    time_values,
    training_rows,
    validation_rows,
)
from mlestar.errors import DataError

SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def classes(draw: st.DrawFn) -> np.ndarray:
    """Class numbers, every class at least ten times."""
    counts = draw(st.lists(st.integers(10, 60), min_size=2, max_size=4))
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))


@st.composite
def times(draw: st.DrawFn) -> np.ndarray:
    """Sorted times, some of them more than once."""
    return np.sort(np.array(draw(st.lists(st.integers(0, 60), min_size=20, max_size=120))))


def assert_partition(folds: np.ndarray, count: int) -> None:
    for repeat in range(len(folds)):
        rows = np.concatenate([validation_rows(folds, repeat, fold) for fold in range(count)])
        assert sorted(rows) == list(range(folds.shape[1]))


@settings(max_examples=50)
@given(y=classes(), splitter=st.sampled_from(["kfold", "stratified"]), seed=SEEDS, count=st.integers(2, 5))
def test_every_row_is_validated_once_per_repeat(y: np.ndarray, splitter: Any, seed: int, count: int) -> None:
    folds = make_folds(y, splitter=splitter, folds=count, repeats=2, seed=seed)
    assert folds.shape == (2, len(y)) and folds.dtype == np.int8
    assert_partition(folds, count)
    assert not np.array_equal(folds[0], folds[1])
    np.testing.assert_array_equal(folds, make_folds(y, splitter=splitter, folds=count, repeats=2, seed=seed))
    for fold in range(count):
        train, validation = training_rows(folds, 1, fold, splitter=splitter), validation_rows(folds, 1, fold)
        assert sorted([*train, *validation]) == list(range(len(y)))


@settings(max_examples=50)
@given(y=classes(), seed=SEEDS)
def test_stratified_folds_and_holdout_have_the_classes_in_proportion(y: np.ndarray, seed: int) -> None:
    held_out = split_holdout(y, splitter="stratified", fraction=0.2, seed=seed)
    folds = make_folds(y[~held_out], splitter="stratified", folds=4, seed=seed)
    for label in np.unique(y):
        assert abs((y[held_out] == label).sum() - 0.2 * (y == label).sum()) <= 1
        in_folds = [(y[~held_out][folds[0] == fold] == label).sum() for fold in range(4)]
        assert max(in_folds) - min(in_folds) <= 1


@settings(max_examples=50)
@given(
    y=classes(),
    groups=st.integers(15, 40),
    splitter=st.sampled_from(["group", "stratified_group"]),
    fraction=st.sampled_from([0.1, 0.2, 0.3]),
    seed=SEEDS,
)
def test_no_group_is_on_both_sides(y: np.ndarray, groups: int, splitter: Any, fraction: float, seed: int) -> None:
    names = np.random.default_rng(seed).permutation(np.arange(len(y)) % groups).astype(str)
    assume(len(set(names)) >= 15)
    held_out = split_holdout(y, splitter=splitter, fraction=fraction, seed=seed, groups=names)
    assert held_out.any() and not set(names[held_out]) & set(names[~held_out])
    names, y = names[~held_out], y[~held_out]
    folds = make_folds(y, splitter=splitter, folds=3, repeats=2, seed=seed, groups=names)
    assert_partition(folds, 3)
    for repeat in range(2):
        for fold in range(3):
            train = training_rows(folds, repeat, fold, splitter=splitter)
            assert not set(names[train]) & set(names[validation_rows(folds, repeat, fold)])


@pytest.mark.parametrize("splitter", ["group", "stratified_group"])
@pytest.mark.parametrize("seed", range(10))
def test_few_groups_of_unlike_sizes_leave_one_for_every_fold(splitter: Any, seed: int) -> None:
    sizes = np.random.default_rng(seed).permutation([22, 55, 159, 147, 128, 60, 136])
    groups, y = np.repeat(np.arange(7), sizes), np.arange(sizes.sum()) % 2
    held_out = split_holdout(y, splitter=splitter, fraction=0.2, seed=0, folds=5, groups=groups)
    assert held_out.any() and len(set(groups[~held_out])) >= 5
    make_folds(y[~held_out], splitter=splitter, folds=5, groups=groups[~held_out])


@settings(max_examples=100)
@given(times=times(), count=st.integers(2, 5), gap=st.integers(0, 3), fraction=st.sampled_from([0.1, 0.2, 0.5]))
def test_training_is_before_validation_in_time(times: np.ndarray, count: int, gap: int, fraction: float) -> None:
    y = np.zeros(len(times))
    try:
        held_out = split_holdout(y, splitter="time", fraction=fraction, seed=0, times=times)
        earlier = times[~held_out]
        folds = make_folds(y[~held_out], splitter="time", folds=count, gap=gap, times=earlier)
    except DataError:
        assume(False)
    assert earlier.max() < times[held_out].min()
    for fold in range(count):
        train = training_rows(folds, 0, fold, splitter="time", gap=gap)
        validation = validation_rows(folds, 0, fold)
        assert len(train) and len(validation)
        assert train.max() + gap + 1 == validation.min()
        assert earlier[train].max() < earlier[validation].min()
    assert (folds[0] == -1).any() and (np.diff(folds[0]) >= 0).all()


def test_patients_of_diabetes_130_are_kept_together_and_the_rate_is_kept(bench_data: Path) -> None:
    frame = read_table(str(bench_data / "diabetes-130" / "train.csv")).head(6_000)
    y, patients = frame["readmitted_30"].to_numpy(), frame["patient_nbr"].to_numpy()
    held_out = split_holdout(y, splitter="stratified_group", fraction=0.2, seed=0, groups=patients)
    assert not np.isin(patients[held_out], patients[~held_out]).any()
    assert held_out.mean() == pytest.approx(0.2, abs=0.005)
    assert y[held_out].mean() == pytest.approx(y.mean(), abs=0.005)


def test_days_of_bike_sharing_are_not_divided(bench_data: Path) -> None:
    frame = read_table(str(bench_data / "bike-sharing-hour" / "train.csv"))
    days = time_values(frame["dteday"])
    folds = make_folds(frame["cnt"].to_numpy(), splitter="time", folds=5, gap=24, times=days)
    for fold in range(5):
        train = training_rows(folds, 0, fold, splitter="time", gap=24)
        assert days[validation_rows(folds, 0, fold)].min() > days[train].max()
    assert pd.Series(folds[0]).groupby(days).nunique().max() == 1
    sizes = np.bincount(folds[0] + 1)
    assert sizes[0] == pytest.approx(len(days) / 2, rel=0.01)
    assert sizes[1:].max() < 1.1 * sizes[1:].min()


def test_few_times_are_used_from_the_second_on() -> None:
    folds = make_folds(np.zeros(60), splitter="time", folds=5, times=np.repeat(np.arange(6), 10))
    assert folds[0].tolist() == np.repeat([-1, 0, 1, 2, 3, 4], 10).tolist()


def test_times_are_numbers_dates_or_text() -> None:
    assert time_values(pd.Series([3.0, 1.0])).tolist() == [3.0, 1.0]
    written = pd.Series(["2024-01-31", "2023-12-01 10:00"])
    assert (time_values(written) == time_values(pd.to_datetime(written, format="mixed"))).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"splitter": "group", "groups": np.repeat([1, 2, 3], 20)},
            "there are 3 groups beside the holdout for 5 folds",
        ),
        (
            {"splitter": "group", "groups": np.array([None] + ["a", "b", "c", "d", "e"] * 11 + ["f"] * 4)},
            "1 rows have no group",
        ),
        ({"splitter": "time", "times": np.repeat([1, 2, 3], 20)}, "60 rows with 3 distinct times do not make 5 folds"),
        ({"splitter": "time", "times": np.repeat([1], 60)}, "all rows have the same time"),
        ({"splitter": "time", "times": np.arange(60), "gap": 30}, "a gap of 30 rows; write fewer validation.folds"),
    ],
)
def test_what_cannot_be_split_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        make_folds(np.zeros(60), folds=5, **options)


def test_unsorted_times_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="sorted"):
        make_folds(np.zeros(3), splitter="time", folds=2, times=np.array([1, 3, 2]))


def test_more_rows_need_fewer_folds_and_a_smaller_holdout() -> None:
    assert [default_folds(rows) for rows in (100, 50_000, 200_000)] == [5, 5, 3]
    assert [default_holdout(rows) for rows in (100, 50_000, 100_000, 10**7)] == [0.2, 0.2, 0.1, 0.05]
    assert [default_repeats(rows, "kfold") for rows in (100, 499, 500)] == [3, 3, 1]
    assert default_repeats(100, "time") == 1


def test_many_groups_are_kept_whole_and_have_their_shares_of_the_classes(bench_data: Path) -> None:
    table = read_table(str(bench_data / "diabetes-130" / "train.csv"))
    y, groups = pd.factorize(table["readmitted_30"])[0], table["patient_nbr"].to_numpy()
    held_out = split_holdout(y, splitter="stratified_group", fraction=0.2, seed=0, groups=groups)
    [folds] = make_folds(y[~held_out], splitter="stratified_group", folds=5, groups=groups[~held_out])
    parts = [groups[held_out], *(groups[~held_out][folds == number] for number in range(5))]
    assert sum(len(np.unique(part)) for part in parts) == len(np.unique(groups))
    shares = [y[held_out].mean(), *(y[~held_out][folds == number].mean() for number in range(5))]
    assert shares == pytest.approx([y.mean()] * 6, rel=0.1)
    assert held_out.mean() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("splitter", ["group", "stratified_group"])
def test_a_group_of_most_rows_is_not_held_out(splitter: Any) -> None:
    groups = np.r_[np.zeros(900), 1 + np.arange(100) // 5]
    y = np.random.default_rng(0).integers(0, 2, 1000)
    for seed in range(5):
        assert split_holdout(y, splitter=splitter, fraction=0.2, seed=seed, groups=groups).sum() < 200


def test_groups_of_unequal_size_make_folds_of_equal_size_that_differ_between_repeats() -> None:
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 1 + random.lognormal(2.5, 1, 60).astype(int))
    folds = make_folds(np.zeros(len(groups)), splitter="group", folds=5, repeats=3, groups=groups)
    assert all(np.ptp(np.bincount(each)) < 0.05 * len(groups) for each in folds)
    assert (folds[0] == folds[1]).mean() < 0.6


@pytest.mark.parametrize(
    ("groups", "fraction", "held"), [(4, 0.1, 1), (6, 0.05, 1), (3, 0.1, 1), (9, 0.2, 2), (2, 0.2, 1)]
)
def test_of_few_groups_no_more_are_held_out_than_the_share_needs(groups: int, fraction: float, held: int) -> None:
    codes = np.repeat(np.arange(groups), 100)
    mask = split_holdout(np.zeros(len(codes)), splitter="group", fraction=fraction, seed=0, groups=codes)
    assert len(set(codes[mask])) == held
