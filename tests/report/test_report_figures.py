"""The figures that an orchestrator shows beside a run."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from sklearn.metrics import auc

from mlestar.report import Run, confusion, metrics_of, roc_points

Read = Callable[[str], Run]


def test_metrics_are_finite_numbers_under_the_name_of_the_metric(read: Read) -> None:
    verdict = read("diabetes").verdict
    assert verdict is not None
    figures = metrics_of(verdict)
    assert figures["rmse_low"] <= figures["rmse"] <= figures["rmse_high"]
    assert figures["rmse"] < figures["rmse_trivial_baseline"]
    assert figures["checks_pass"] == 3
    assert all(isinstance(value, float) and math.isfinite(value) for value in figures.values())


def test_roc_points_have_the_area_of_the_score(read: Read) -> None:
    verdict = read("breast_cancer").verdict
    assert verdict is not None
    false_positive, true_positive, thresholds = roc_points(verdict)
    assert auc(false_positive, true_positive) == pytest.approx(verdict["score"])
    assert thresholds == sorted(thresholds, reverse=True)


def test_confusion_counts_every_holdout_row(read: Read) -> None:
    verdict = read("digits").verdict
    assert verdict is not None
    classes, matrix = confusion(verdict)
    assert classes == [str(digit) for digit in range(10)]
    assert sum(map(sum, matrix)) == verdict["rows"]


def test_regression_has_neither(read: Read) -> None:
    verdict = read("diabetes").verdict
    assert verdict is not None
    assert roc_points(verdict) == ([], [], [])
    assert confusion(verdict) == ([], [])
