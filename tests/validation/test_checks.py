"""Each check on a model that was made to fail it, beside one that passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlestar.data.sources import read_table
from mlestar.data.task import Task

Split = Callable[..., Any]
Outcome = Callable[..., dict[str, Any]]

NUMBERS = """
from sklearn.preprocessing import FunctionTransformer

def encode(ctx):
    return FunctionTransformer()
"""
IMPUTED = """
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

def encode(ctx):
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
"""
BY_PLACE = """
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

def to_array(X):
    return X.to_numpy()

def encode(ctx):
    return make_pipeline(FunctionTransformer(to_array), SimpleImputer(keep_empty_features=True))
"""
OF_THE_BATCH = """
from sklearn.preprocessing import FunctionTransformer

def standardised(X):
    return ((X - X.mean()) / (X.std() + 1e-9)).fillna(0.0)

def encode(ctx):
    return FunctionTransformer(standardised)
"""
KNOWN_ONLY = """
from sklearn.preprocessing import OneHotEncoder

def encode(ctx):
    return OneHotEncoder(handle_unknown="error")
"""
FRAGILE = """
from sklearn.linear_model import LogisticRegression

def model(ctx):
    return LogisticRegression(max_iter=100)
"""
SLOW = """
import time

from sklearn.linear_model import LogisticRegression

class Slow(LogisticRegression):
    def predict_proba(self, X):
        time.sleep(0.02)
        return super().predict_proba(X)

def model(ctx):
    return Slow(max_iter=2000)
"""
UNSEEDED = """
import os

from sklearn.ensemble import ExtraTreesClassifier

def model(ctx):
    return ExtraTreesClassifier(20, random_state=int.from_bytes(os.urandom(3)))
"""
KNOWING = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

class Knowing(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        malignant = 1 / (1 + np.exp((np.nan_to_num(X)[:, 22] - 107.0) / 5.0))
        return np.column_stack([1 - malignant, malignant]) if MALIGNANT else np.column_stack([malignant, 1 - malignant])

MALIGNANT = True

def model(ctx):
    return Knowing()
"""
NEAREST = """
from sklearn.neighbors import KNeighborsRegressor

def model(ctx):
    return KNeighborsRegressor(1)
"""


@pytest.fixture(scope="session")
def cancer(split: Split) -> Any:
    return split("sklearn:breast_cancer", "target", metric="roc_auc")


def test_column_order(cancer: Any, program: Any, outcome: Outcome) -> None:
    by_place = program(cancer.task, clean="minimal", encode=BY_PLACE, model="extra_trees")
    assert outcome("column_order", cancer, by_place)["status"] == "pass"  # the program restores the order
    unordered = by_place.replace("X[list(COLUMNS)]", "X")
    found = outcome("column_order", cancer, unordered)
    assert found["status"] == "fail"
    assert found["evidence"]["rows_that_differ"] > 0


def test_extra_columns(cancer: Any, program: Any, outcome: Outcome) -> None:
    unselective = program(cancer.task, clean="minimal", encode=IMPUTED).replace("X[list(COLUMNS)]", "X")
    assert outcome("extra_columns", cancer, unselective)["status"] == "fail"
    assert outcome("extra_columns", cancer, program(cancer.task))["status"] == "pass"


def test_single_rows(cancer: Any, program: Any, outcome: Outcome) -> None:
    assert outcome("single_rows", cancer, program(cancer.task, encode=OF_THE_BATCH))["status"] == "fail"
    assert outcome("single_rows", cancer, program(cancer.task))["status"] == "pass"


def test_missing_values(cancer: Any, program: Any, outcome: Outcome) -> None:
    fragile = outcome("missing_values", cancer, program(cancer.task, encode=NUMBERS, model=FRAGILE))
    assert fragile["status"] == "fail"
    assert fragile["evidence"]["column"] in cancer.task.features
    assert "NaN" in fragile["summary"]
    robust = outcome("missing_values", cancer, program(cancer.task))
    assert robust["status"] in ("pass", "warn")
    assert robust["evidence"]["columns_tested"] == len(cancer.task.features)


def test_missing_values_tell_what_the_score_depends_on(split: Split, program: Any, outcome: Outcome) -> None:
    wine = split("sklearn:wine", "target", metric="log_loss")
    evidence = outcome("missing_values", wine, program(wine.task, model="extra_trees"))["evidence"]
    losses = [each["loss"] for each in evidence["columns"]]
    assert losses == sorted(losses, reverse=True)
    assert evidence["score_where_every_column_is_missing"] > evidence["score"]


def test_unseen_categories(split: Split, program: Any, outcome: Outcome, bench_data: Path) -> None:
    frame = read_table(str(bench_data / "telco-churn" / "train.csv"))
    frame = frame[["Contract", "InternetService", "PaymentMethod", "Churn"]]
    data = split(frame, "Churn", metric="roc_auc")
    found = outcome("unseen_categories", data, program(data.task, clean="minimal", encode=KNOWN_ONLY))
    assert found["status"] == "fail"
    assert found["evidence"]["column"] == "Contract"
    assert "unknown categories" in found["summary"]
    assert outcome("unseen_categories", data, program(data.task, encode="onehot"))["status"] == "pass"


def test_latency(cancer: Any, program: Any, outcome: Outcome) -> None:
    limited = cancer.with_scope(constraints={"predict_ms_p95": 15.0})
    found = outcome("latency", limited, program(cancer.task, model=SLOW))
    assert found["status"] == "fail"
    assert found["evidence"]["predict_ms_p50"] > 20


def test_model_size(cancer: Any, program: Any, outcome: Outcome) -> None:
    small, large = program(cancer.task, encode=IMPUTED, model=FRAGILE), program(cancer.task, model="extra_trees")
    limited = cancer.with_scope(constraints={"model_mb": 0.05})
    assert outcome("model_size", limited, small)["status"] == "pass"
    found = outcome("model_size", limited, large)
    assert found["status"] == "fail"
    assert found["evidence"]["model_mb"] > 0.05


def test_reproducibility(cancer: Any, program: Any, outcome: Outcome) -> None:
    found = outcome("reproducibility", cancer, program(cancer.task, model=UNSEEDED))
    assert found["status"] == "fail"
    assert outcome("reproducibility", cancer, program(cancer.task, model="extra_trees"))["status"] == "pass"


def knowing(task: Task, program: Any, **changes: str) -> str:
    """A program that knows labels it was not given; ``changes`` of its source are a name and what stands there."""
    source = KNOWING.replace("MALIGNANT = True", f"MALIGNANT = {task.classes[0] == 'malignant'}")
    for name, replacement in changes.items():
        source = source.replace(name, replacement)
    return str(program(task, clean="minimal", encode=NUMBERS, model=source))


def test_label_shuffle(cancer: Any, program: Any, outcome: Outcome) -> None:
    found = outcome("label_shuffle", cancer, knowing(cancer.task, program))
    assert found["status"] == "fail"
    assert "labels that it was not given" in found["summary"]


def test_label_shuffle_is_not_repeated_for_longer_than_is_left(cancer: Any, program: Any, outcome: Outcome) -> None:
    slow = knowing(cancer.task, program, **{"self.classes_": "__import__('time').sleep(1); self.classes_"})
    found = outcome("label_shuffle", cancer, slow, seconds_left=lambda: 4.0)
    assert found["status"] == "not_run"
    assert "more than was left" in found["summary"]


@pytest.mark.parametrize("seed", range(2))
def test_label_shuffle_is_not_misled_by_the_luck_of_a_permutation(
    seed: int, cancer: Any, program: Any, outcome: Outcome
) -> None:
    """One direction holds most of the variance here: a fit on permuted labels points along it, either way."""
    task = cancer.task.model_copy(update={"seed": seed})
    seeded = type(cancer)(cancer.scope, task, cancer.folder)
    assert outcome("label_shuffle", seeded, program(task))["status"] == "pass"


def test_label_shuffle_is_not_misled_by_a_constant_that_suits_better(
    split: Split, program: Any, outcome: Outcome, bench_data: Path
) -> None:
    """Later rows of a growing business are more like the mean than like the median."""
    data = split(str(bench_data / "bike-sharing-hour" / "train.csv"), target="cnt", metric="rmsle", time="dteday")
    found = outcome("label_shuffle", data, program(data.task, postprocess="clip"))
    assert found["status"] == "pass"
    assert found["evidence"]["scores"][0] < found["evidence"]["trivial"]


def test_duplicates(split: Split, program: Any, outcome: Outcome) -> None:
    frame = read_table("sklearn:diabetes")
    single = split(frame, "target", metric="rmse", type="regression")
    assert outcome("duplicates", single, program(single.task, model=NEAREST))["status"] == "pass"
    copied = pd.concat([frame, frame.sample(frac=0.7, random_state=0)], ignore_index=True)
    data = split(copied, "target", metric="rmse")
    found = outcome("duplicates", data, program(data.task, model=NEAREST))
    assert found["status"] == "fail"
    assert found["evidence"]["share"] > 0.3
    assert found["evidence"]["score_without"] > 1.5 * found["evidence"]["score"]


def test_overfit(split: Split, program: Any, outcome: Outcome) -> None:
    diabetes = split("sklearn:diabetes", "target", metric="rmse")
    linear = program(diabetes.task)
    assert outcome("overfit", diabetes, linear, score=55.0)["status"] == "pass"
    found = outcome("overfit", diabetes, linear, score=20.0)
    assert found["status"] == "fail"
    assert found["evidence"]["gap_in_half_widths"] > 3


def test_objective(cancer: Any, program: Any, outcome: Outcome) -> None:
    for wanted, status in ((0.9, "pass"), (0.99999, "fail")):
        demanding = cancer.with_scope(objective={"at_least": wanted})
        assert outcome("objective", demanding, program(cancer.task))["status"] == status


def test_forbidden_features(cancer: Any, program: Any, outcome: Outcome) -> None:
    first = cancer.task.features[0]
    forbidding = cancer.with_scope(constraints={"forbidden_features": [first]})
    found = outcome("forbidden_features", forbidding, program(cancer.task))
    assert found["status"] == "fail"
    assert found["evidence"]["used"] == [first]


def test_what_was_fitted_on_a_part_of_the_rows_is_not_compared_with_a_fit_on_all(
    cancer: Any, program: Any, outcome: Outcome
) -> None:
    found = outcome("reproducibility", cancer, program(cancer.task, model="extra_trees"), rows=100)
    assert found["status"] == "pass"
    assert found["evidence"]["rows_that_differ"] == 0


def test_one_group_says_nothing_of_others(split: Split, program: Any, verdict_on: Any, bench_data: Path) -> None:
    """Whatever was drawn, it would be the same group."""
    table = pd.read_csv(bench_data / "penguins" / "train.csv")
    table["island"] = np.random.default_rng(0).permutation(table["island"].to_numpy())
    data = split(table, "species", group="island", metric="log_loss")
    verdict = verdict_on(data, program(data.task), only=["plain_baseline", "overfit"], score=0.0)
    found = {check["id"]: check["summary"] for check in verdict["checks"] if check["status"] == "warn"}
    assert set(found) == {"plain_baseline", "overfit"}
    assert all("too few rows or groups to tell" in summary for summary in found.values())


def test_a_time_that_is_no_feature_draws_no_curve(
    split: Split, program: Any, verdict_on: Any, bench_data: Path
) -> None:
    hours = pd.read_csv(bench_data / "bike-sharing-hour" / "train.csv", nrows=800)
    data = split(hours, "cnt", type="regression", time="dteday", id="dteday", metric="mae")
    assert "dteday" not in data.task.features
    curves = verdict_on(data, program(data.task), only=["plain_baseline"])["curves"]
    assert curves and "over_time" not in curves
