"""The trivial baseline: the best prediction for somebody who has seen no feature."""

from __future__ import annotations

import numpy as np

from mlestar.data.task import Task

__all__ = ["TRIVIAL_DESCRIPTION", "trivial_predictions"]

TRIVIAL_DESCRIPTION = "the same prediction for every row"


def trivial_predictions(task: Task, y_train: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Predict the same for every row: the constant that suits the metric.

    Parameters
    ----------
    task : Task
    y_train : array, shape (n,) or (n, outputs)
        Class numbers, or values.
    rows : int
        How many rows to predict.

    Returns
    -------
    predictions : array, shape (rows, k), (rows,) or (rows, outputs)
        The shares of the classes; or the median for the absolute errors (mae, mape), the mean on the scale of the
        logarithm for rmsle, and the mean for every other metric.
    labels : array of int, shape (rows,), or None
        The commonest class.
    """
    if task.is_classification:
        shares = np.bincount(y_train.astype(np.int64), minlength=len(task.classes)) / len(y_train)
        return np.tile(shares, (rows, 1)), np.full(rows, shares.argmax())
    if task.metric in ("mae", "mape"):
        constant = np.median(y_train, axis=0)
    elif task.metric == "rmsle":
        constant = np.expm1(np.log1p(y_train).mean(axis=0))
    else:
        constant = y_train.mean(axis=0)
    return np.tile(constant, (rows, 1)).reshape(rows, *y_train.shape[1:]), None
