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
        The shares of the classes; or the median for mae, the median weighted by 1 / |y| for mape, the mean on the scale
        of the logarithm for rmsle, and the mean for every other metric.
    labels : array of int, shape (rows,), or None
        The commonest class; the positive one for f1, which is 0 for the other.
    """
    if task.is_classification:
        shares = np.bincount(y_train.astype(np.int64), minlength=len(task.classes)) / len(y_train)
        return np.tile(shares, (rows, 1)), np.full(rows, 1 if task.metric == "f1" else shares.argmax())
    if task.metric == "mae":
        constant = np.median(y_train, axis=0)
    elif task.metric == "mape":
        constant = np.apply_along_axis(_median_by_share, 0, y_train)
    elif task.metric == "rmsle":
        constant = np.expm1(np.log1p(y_train).mean(axis=0))
    else:
        constant = y_train.mean(axis=0)
    return np.tile(constant, (rows, 1)).reshape(rows, *y_train.shape[1:]), None


def _median_by_share(y: np.ndarray) -> float:
    """What has the least mean of |y - constant| / |y|; a zero counts as scikit-learn's metric counts it."""
    ordered = np.sort(y)
    weights = np.cumsum(1 / np.maximum(np.abs(ordered), np.finfo(np.float64).eps))
    return float(ordered[np.searchsorted(weights, weights[-1] / 2)])
