"""Leaks that are put into real data are found, and real data without one is left in peace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlestar.data.infer import infer_task
from mlestar.data.leakage import suspected_leaks
from mlestar.data.sources import read_table, typed
from mlestar.data.target import target_values

TARGETS = {
    "adult-census": "income",
    "california-housing-prices": "median_house_value",
    "penguins": "species",
    "telco-churn": "Churn",
}


@pytest.fixture
def leaks(scope):
    def find(frame: pd.DataFrame, target: str, **options: object) -> list[str]:
        task, _, _ = infer_task(scope(target, **options), frame)
        held = typed(frame, task.storage)
        return suspected_leaks(held, target_values(held, task), task)

    return find


@pytest.mark.parametrize("name", TARGETS)
def test_clean_data_raises_no_suspicion(bench_data: Path, leaks, name: str) -> None:
    assert leaks(read_table(str(bench_data / name / "train.csv")), TARGETS[name]) == []


@pytest.mark.parametrize("name", ["breast_cancer", "iris", "wine", "digits", "diabetes"])
def test_easy_data_raises_no_suspicion(leaks, name: str) -> None:
    assert leaks(read_table(f"sklearn:{name}"), "target") == []


def test_a_number_that_tells_the_class_is_found(bench_data: Path, leaks) -> None:
    frame = read_table(str(bench_data / "telco-churn" / "train.csv"))
    refund = frame["MonthlyCharges"].where(frame["Churn"] == 1)  # paid out when a customer has left
    found = leaks(frame.assign(refund=refund), "Churn")
    assert len(found) == 1
    assert found[0].startswith("'refund' alone predicts the target nearly perfectly (ROC AUC 1.000)")


def test_a_category_that_tells_the_class_is_found(bench_data: Path, leaks) -> None:
    frame = read_table(str(bench_data / "penguins" / "train.csv"))
    found = leaks(frame.assign(latin=frame["species"].map({"Adelie": "P. adeliae", "Gentoo": "P. papua"})), "species")
    assert [message.split()[0] for message in found] == ["'latin'"]


def test_a_number_that_tells_the_value_is_found(bench_data: Path, leaks) -> None:
    frame = read_table(str(bench_data / "california-housing-prices" / "train.csv"))
    noise = np.random.default_rng(0).normal(0, 2_000, len(frame))
    found = leaks(frame.assign(tax=frame["median_house_value"] * 0.01 + 0.01 * noise), "median_house_value")
    assert [message.split()[0] for message in found] == ["'tax'"]


def test_a_column_that_tells_both_targets_is_found(leaks) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=600), "b": random.normal(size=600)})
    frame = frame.assign(y=frame["a"] + frame["b"], z=frame["a"] + frame["b"], total=frame["a"] + frame["b"])
    found = leaks(frame, ["y", "z"])
    assert [message.split()[0] for message in found] == ["'total'"]


def test_identifiers_among_the_features_are_found(bench_data: Path, leaks) -> None:
    frame = read_table(str(bench_data / "telco-churn" / "train.csv"))
    frame = frame.rename(columns={"customerID": "customer"}).assign(counter=range(len(frame)))
    found = leaks(frame, "Churn")
    assert any(message.startswith("'customer' differs in nearly every row") for message in found)
    assert any(message.startswith("'counter' counts the rows of the file") for message in found)


def test_the_number_of_the_row_is_found_where_some_rows_are_held_out(bench_data: Path, leaks) -> None:
    frame = read_table(str(bench_data / "telco-churn" / "train.csv"))
    kept = np.random.default_rng(0).random(len(frame)) < 0.8
    [found] = leaks(frame.assign(entry=np.arange(len(frame)) + 17)[kept].reset_index(drop=True), "Churn")
    assert found.startswith("'entry' counts the rows of the file")


def test_repeated_rows_are_counted(bench_data: Path, leaks) -> None:
    frame = read_table(str(bench_data / "california-housing-prices" / "train.csv"))
    found = leaks(pd.concat([frame, frame.head(240)]), "median_house_value")
    assert found[0].startswith("240 of 2640 rows (9.1%) repeat an earlier row")


def test_empty_and_constant_columns_tell_nothing(leaks) -> None:
    frame = read_table("sklearn:iris").assign(empty=np.nan, same="x", infinite=np.inf)
    assert leaks(frame, "target") == []
