"""What the report draws of the predictions for the holdout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlestar.validation.holdout import Holdout, Scored, sample_rows

__all__ = ["curves", "over_time"]

_POINTS = 200
_BINS = 10
_RESIDUALS = 500
_PERIODS, _ROWS_PER_PERIOD = 20, 30


def curves(holdout: Holdout, scored: Scored) -> dict[str, Any]:
    """Of one model, what suits the type of the task.

    ``roc`` and ``precision_recall`` (binary), ``confusion`` and ``calibration`` (classification), ``residuals``
    (regression).
    """
    if scored.labels is None:
        return {"residuals": _residuals(holdout, scored)}
    found = {"confusion": _confusion(holdout, scored.labels), "calibration": _calibration(holdout, scored)}
    if holdout.task.type != "binary" or len(np.unique(holdout.y)) < 2:
        return found
    positive = scored.values[:, 1]
    return {"roc": _roc(holdout.y, positive), "precision_recall": _precision_recall(holdout.y, positive), **found}


def over_time(holdout: Holdout, models: Mapping[str, Scored]) -> dict[str, Any] | None:
    """Scores on consecutive parts of the holdout.

    None where the task is not ordered by time, where its time is no feature and so not known here, or where the rows
    are too few.

    Returns
    -------
    dict or None
        ``start`` and ``end`` (times of the first and the last row of each part), ``rows`` (how many), and ``scores``:
        by model, those of the parts, None where the metric is not defined.
    """
    periods = min(_PERIODS, len(holdout) // _ROWS_PER_PERIOD)
    if holdout.task.splitter != "time" or holdout.task.time not in holdout.features or periods < 2:
        return None
    parts = np.array_split(np.arange(len(holdout)), periods)
    times = holdout.features[holdout.task.time]
    return {
        "start": [_moment(times.iloc[rows[0]]) for rows in parts],
        "end": [_moment(times.iloc[rows[-1]]) for rows in parts],
        "rows": [len(rows) for rows in parts],
        "scores": {name: [holdout.score_rows(model, rows) for rows in parts] for name, model in models.items()},
    }


def _roc(y: np.ndarray, positive: np.ndarray) -> dict[str, Any]:
    """The threshold above every score is None."""
    from sklearn.metrics import roc_auc_score, roc_curve

    points = _spaced(np.stack(roc_curve(y, positive), axis=1))
    names = ("false_positive_rate", "true_positive_rate", "thresholds")
    curve = {name: [_finite(value) for value in column] for name, column in zip(names, points.T, strict=True)}
    return {**curve, "area": float(roc_auc_score(y, positive))}


def _precision_recall(y: np.ndarray, positive: np.ndarray) -> dict[str, Any]:
    """In the order of falling recall; ``positives`` is the precision of guessing."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(y, positive)
    points = _spaced(np.stack([recall, precision], axis=1))
    return {
        "recall": [_finite(value) for value in points[:, 0]],
        "precision": [_finite(value) for value in points[:, 1]],
        "average_precision": float(average_precision_score(y, positive)),
        "positives": float(np.mean(y == 1)),
    }


def _spaced(points: np.ndarray) -> np.ndarray:
    """At most 200 of the points of a curve in the plane, evenly spaced along it, with both ends."""
    if len(points) <= _POINTS:
        return points
    along = np.abs(np.diff(points[:, :2], axis=0, prepend=points[:1, :2])).sum(axis=1).cumsum()
    places = np.searchsorted(along, np.linspace(0.0, along[-1], _POINTS - 1)).clip(max=len(points) - 1)
    return points[np.unique([*places, len(points) - 1])]


def _confusion(holdout: Holdout, labels: np.ndarray) -> dict[str, Any]:
    """Counts: rows true, columns predicted."""
    from sklearn.metrics import confusion_matrix

    classes = holdout.task.classes
    matrix = confusion_matrix(holdout.y, labels, labels=range(len(classes)))
    return {"classes": [str(label) for label in classes], "matrix": matrix.tolist()}


def _calibration(holdout: Holdout, scored: Scored) -> dict[str, list[Any]]:
    """Of the positive class; of the most probable class where there are more than two. None where a bin has no row."""
    if holdout.task.type == "binary":
        probability, happened = scored.values[:, 1], holdout.y == 1
    else:
        probability, happened = scored.values.max(axis=1), holdout.y == scored.values.argmax(axis=1)
    place = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    inside = [place == each for each in range(_BINS)]
    return {
        "predicted": [_finite(probability[rows].mean()) if rows.any() else None for rows in inside],
        "observed": [_finite(happened[rows].mean()) if rows.any() else None for rows in inside],
        "count": [int(rows.sum()) for rows in inside],
    }


def _residuals(holdout: Holdout, scored: Scored) -> dict[str, list[Any]]:
    """Of at most 500 rows; one value each, or one list each for several targets."""
    rows = sample_rows(holdout.task, holdout.y, _RESIDUALS)
    shape = (len(rows), *holdout.y.shape[1:])
    return {"true": holdout.y[rows].tolist(), "predicted": scored.values[rows].reshape(shape).tolist()}


def _moment(value: Any) -> str | float:
    """A time as JSON holds it."""
    if isinstance(value, str):
        return value
    return str(value.isoformat()) if hasattr(value, "isoformat") else float(value)


def _finite(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
