"""What the report shows beside the checks: importance, distributions, scores over time."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlestar.data.sources import read_table

Split = Callable[..., Any]
Outcome = Callable[..., dict[str, Any]]
Verdict = dict[str, Any]
CONSTANT = "from sklearn.dummy import DummyRegressor\n\n\ndef model(ctx):\n    return DummyRegressor()\n"


@pytest.fixture(scope="session")
def with_noise(split: Split) -> Any:
    """The diabetes data with a column that tells nothing."""
    frame = read_table("sklearn:diabetes")
    frame["noise"] = np.random.default_rng(0).normal(size=len(frame))
    return split(frame, "target", metric="rmse", type="regression")


def test_importance_tells_signal_from_noise(with_noise: Any, program: Any, outcome: Outcome) -> None:
    found = outcome("importance", with_noise, program(with_noise.task))
    assert found["status"] == "pass"
    lost = {each["column"]: each["importance"] for each in found["evidence"]["columns"]}
    assert set(lost) == set(with_noise.task.features)
    assert min(lost["s5"], lost["bmi"]) > 5 > abs(lost["noise"])
    assert list(lost.values()) == sorted(lost.values(), reverse=True)


def test_where_seconds_play_no_part_importance_does_not_depend_on_them(
    with_noise: Any, program: Any, outcome: Outcome
) -> None:
    first, second = (
        outcome("importance", with_noise, program(with_noise.task), seconds_left=lambda: math.inf) for _ in range(2)
    )
    assert first == second
    assert first["evidence"]["repeats"] == 5


def test_column_that_the_program_does_not_use_has_no_effect(with_noise: Any, program: Any, outcome: Outcome) -> None:
    without = program(with_noise.task).replace("X[list(COLUMNS)]", "X[list(COLUMNS)].assign(noise=0.0)")
    found = outcome("importance", with_noise, without)
    assert found["evidence"]["columns_without_effect"] == ["noise"]


@pytest.mark.parametrize(
    ("is_ending_early", "remedy"), [(False, "raise budget.wall_clock"), (True, "the same command goes on")]
)
def test_importance_that_the_time_does_not_allow_is_not_run(
    with_noise: Any, program: Any, outcome: Outcome, is_ending_early: bool, remedy: str
) -> None:
    code = program(with_noise.task)
    found = outcome("importance", with_noise, code, seconds_left=lambda: 1e-3, is_ending_early=is_ending_early)
    assert found["status"] == "not_run"
    assert found["summary"].endswith(remedy)
    assert "columns" not in found["evidence"]


def test_importance_is_known_where_a_resample_has_no_row_of_the_rare_class(
    split: Split, program: Any, outcome: Outcome
) -> None:
    frame = read_table("sklearn:breast_cancer")
    rare = frame["target"] == "malignant"
    frame = pd.concat([frame[~rare], frame[rare].head(6)], ignore_index=True)
    rows = split(frame, "target", metric="roc_auc")
    found = outcome("importance", rows, program(rows.task))
    assert found["status"] == "pass"
    assert 0 < found["evidence"]["repeats"] < 5
    assert len(found["evidence"]["columns"]) == len(rows.task.features)


def test_scores_over_time_cover_the_holdout_in_its_order(
    split: Split, program: Any, verdict_on: Callable[..., Verdict], bench_data: Path
) -> None:
    frame = read_table(str(bench_data / "bike-sharing-hour" / "train.csv"))
    some = frame.loc[::5, ["dteday", "hr", "temp", "workingday", "cnt"]]
    data = split(some, "cnt", metric="rmse", time="dteday")
    verdict = verdict_on(data, program(data.task), only=["plain_baseline"], score=100.0)
    by_time = verdict["curves"]["over_time"]
    assert sum(by_time["rows"]) == verdict["rows"]
    assert by_time["start"] == sorted(by_time["start"])
    squares = np.square(by_time["scores"]["judged"]) * by_time["rows"]
    assert np.sqrt(squares.sum() / verdict["rows"]) == pytest.approx(verdict["score"])
    assert len(by_time["scores"]["plain"]) == len(by_time["rows"])
    assert verdict["bootstrap"]["drawn"] == f"blocks of {int(verdict['rows'] ** 0.5)} consecutive rows"
    assert verdict["bootstrap"]["resamples"] >= 100


def test_precision_and_recall_reach_from_everything_to_nothing(
    split: Split, program: Any, verdict_on: Callable[..., Verdict], bench_data: Path
) -> None:
    data = split(str(bench_data / "telco-churn" / "train.csv"), "Churn", metric="average_precision")
    verdict = verdict_on(data, program(data.task), only=["objective"], score=0.6)
    curve = verdict["curves"]["precision_recall"]
    assert (curve["recall"][0], curve["recall"][-1]) == (1.0, 0.0)
    assert curve["precision"][0] == pytest.approx(curve["positives"], abs=1e-5)
    assert curve["average_precision"] == pytest.approx(verdict["score"])
    assert len(curve["recall"]) <= 200


def test_profile_counts_every_value_of_every_column(
    split: Split, program: Any, verdict_on: Callable[..., Verdict], bench_data: Path
) -> None:
    data = split(str(bench_data / "penguins" / "train.csv"), "species")
    verdict = verdict_on(data, program(data.task), only=["objective"], score=0.9)
    profile = verdict["profile"]
    assert set(profile) == {*data.task.features, *data.task.targets}
    assert sum(profile["species"]["holdout"]) == verdict["rows"]
    assert set(profile["species"]["values"]) == {*map(str, data.task.classes), None}
    numbers = profile[data.task.numeric[0]]
    assert len(numbers["edges"]) == len(numbers["train"]) + 1
    assert numbers["edges"] == sorted(numbers["edges"])


def test_profile_survives_any_numbers(split: Split, program: Any, verdict_on: Callable[..., Verdict]) -> None:
    rows = 120
    frame = pd.DataFrame(
        {
            "huge": np.tile([-1e308, 1e308], rows // 2),
            "close": 1e16 + 2.0 * (np.arange(rows) % 2),
            "useful": np.arange(rows, dtype=float),
            "target": np.arange(rows) * 3.0,
        }
    )
    data = split(frame, "target", metric="rmse", type="regression")
    verdict = verdict_on(data, program(data.task, model=CONSTANT), only=["objective"], score=1.0)
    for name in data.task.features:
        assert sum(verdict["profile"][name]["holdout"]) == verdict["rows"]
