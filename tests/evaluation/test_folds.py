"""Folds on some of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from mlestar.data.splits import make_folds, training_rows
from mlestar.data.task import Column, Task
from mlestar.evaluation.folds import Fold, fewer_rows, some_rows

TASK = Task(
    name="part",
    type="binary",
    targets=("y",),
    metric="roc_auc",
    classes=(0, 1),
    columns=(Column(name="x", storage="number", role="numeric"),),
    rows=569,
    splitter="stratified",
    folds=5,
)


def test_folds_on_some_rows_keep_to_the_same_rows_and_to_their_split() -> None:
    y = load_breast_cancer(return_X_y=True)[1]
    numbers = make_folds(y, splitter="stratified", folds=5)
    folds = [
        Fold(0, each, training_rows(numbers, 0, each, splitter="stratified"), np.flatnonzero(numbers[0] == each))
        for each in range(5)
    ]
    found = fewer_rows(folds, 200, y, TASK)
    taken = [set(each.train) | set(each.valid) for each in found]
    assert all(each == taken[0] for each in taken)
    assert len(taken[0]) == 200
    for before, after in zip(folds, found, strict=True):
        assert set(after.train) <= set(before.train)
        assert set(after.valid) <= set(before.valid)
        assert after.digest != before.digest


def test_some_rows_have_enough_of_a_rare_class() -> None:
    y = (np.arange(200_000) % 10_000 == 0).astype(int)
    rows = some_rows(y, 5_000, TASK)
    assert y[rows].sum() == 20
    assert 5_000 <= len(rows) <= 5_020


@pytest.mark.parametrize("count", [30, 200, 500])
def test_some_rows_have_the_classes_and_the_values_of_all(count: int) -> None:
    y = load_breast_cancer(return_X_y=True)[1]
    rows = some_rows(y, count, TASK)
    assert len(set(rows)) == count
    assert (np.diff(rows) > 0).all()
    assert abs(y[rows].mean() - y.mean()) < 1 / count
    values = load_diabetes(return_X_y=True)[1]
    part = values[some_rows(values, min(count, 400), TASK)]
    assert abs(np.median(part) - np.median(values)) < 0.05 * np.ptp(values)
