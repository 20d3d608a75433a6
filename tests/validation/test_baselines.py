"""The trivial baseline is the best constant for the metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlestar.evaluation import get_metric
from mlestar.validation import trivial_predictions


def test_classification_predicts_the_shares_of_the_classes_and_the_commonest(split: Callable[..., Any]) -> None:
    task = split("sklearn:wine", "target", metric="accuracy").task
    predictions, labels = trivial_predictions(task, np.array([0, 1, 1, 2]), 5)
    assert predictions.tolist() == [[0.25, 0.5, 0.25]] * 5
    assert labels is not None and labels.tolist() == [1] * 5


@pytest.mark.parametrize("metric", ["rmse", "mae", "mape", "rmsle", "r2"])
@settings(max_examples=25)
@given(
    values=st.lists(st.floats(0, 1e3), min_size=3, max_size=30).filter(lambda values: np.std(values) > 1e-3),
    other=st.floats(0, 1e3),
)
def test_no_other_constant_scores_better(
    metric: str, values: list[float], other: float, split: Callable[..., Any]
) -> None:
    task = split("sklearn:diabetes", "target").task.model_copy(update={"metric": metric})
    y = np.array(values)
    predictions, labels = trivial_predictions(task, y, len(y))
    assert labels is None and predictions.shape == y.shape
    judged = get_metric(metric, "regression")
    trivial, competitor = judged.score(y, predictions), judged.score(y, np.full(len(y), other))
    assert (trivial - competitor) * (1 if judged.greater_is_better else -1) >= -1e-9 * max(abs(competitor), 1)


def test_f1_is_compared_with_all_rows_being_positive(split: Callable[..., Any]) -> None:
    task = split("sklearn:breast_cancer", "target", metric="f1").task
    y = np.repeat([0, 1], [9, 1])
    predictions, labels = trivial_predictions(task, y, len(y))
    assert get_metric("f1", task.type).score(y, predictions, labels) == pytest.approx(2 / 11)


def test_several_targets_have_a_constant_each(split: Callable[..., Any]) -> None:
    task = split("sklearn:linnerud", ["Weight", "Waist", "Pulse"]).task
    predictions, _ = trivial_predictions(task, np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]), 4)
    assert predictions.tolist() == [[2.0, 2.0, 2.0]] * 4
