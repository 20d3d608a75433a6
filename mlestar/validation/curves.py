"""What the report draws of the judged model's predictions for the holdout."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlestar.validation.holdout import Holdout, Scored, sample_rows

__all__ = ["curves"]

_ROC_POINTS = 200
_BINS = 10
_RESIDUALS = 500


def curves(holdout: Holdout, scored: Scored) -> dict[str, Any]:
    """``roc`` (binary), ``confusion`` and ``calibration`` (classification), ``residuals`` (regression)."""
    if scored.labels is None:
        return {"residuals": _residuals(holdout, scored)}
    found = {"confusion": _confusion(holdout, scored.labels), "calibration": _calibration(holdout, scored)}
    binary = holdout.task.type == "binary" and len(np.unique(holdout.y)) == 2
    return {"roc": _roc(holdout.y, scored.values[:, 1]), **found} if binary else found


def _roc(y: np.ndarray, positive: np.ndarray) -> dict[str, list[float | None]]:
    """At most 200 points, evenly spaced along the curve; the threshold above every score is None."""
    from sklearn.metrics import roc_curve

    points = np.stack(roc_curve(y, positive), axis=1)
    if len(points) > _ROC_POINTS:
        along = np.abs(np.diff(points[:, :2], axis=0, prepend=points[:1, :2])).sum(axis=1).cumsum()
        wanted = np.linspace(0.0, along[-1], _ROC_POINTS)
        points = points[np.unique(np.searchsorted(along, wanted).clip(max=len(points) - 1))]
        points[-1, :2] = 1.0
    names = ("false_positive_rate", "true_positive_rate", "thresholds")
    return {name: [_finite(value) for value in column] for name, column in zip(names, points.T, strict=True)}


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


def _finite(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
