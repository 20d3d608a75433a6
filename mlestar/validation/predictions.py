"""Predictions for the same rows: parts of them, and whether two are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mlestar.evaluation import Predictions
from mlestar.validation.holdout import Scored

__all__ = ["agree", "disagreement", "joined", "taken"]

_ROUNDING = 1e-6  # of the largest value: sums in another order


def taken(predictions: Predictions, rows: np.ndarray | slice) -> Predictions:
    """Those for some of the rows."""
    labels = None if predictions.labels is None else predictions.labels[rows]
    return replace(predictions, values=predictions.values[rows], labels=labels)


def joined(parts: Sequence[Predictions]) -> Predictions:
    """One after the other."""
    labels = [part.labels for part in parts if part.labels is not None]
    values = np.concatenate([part.values for part in parts])
    return replace(parts[0], values=values, labels=np.concatenate(labels) if labels else None)


def disagreement(first: Predictions | Scored, second: Predictions | Scored) -> dict[str, Any]:
    """How many rows are predicted differently, but for rounding, and by how much at most."""
    apart = np.abs(first.values - second.values).max(axis=1)
    differing = apart > _ROUNDING * max(np.abs(first.values).max(), np.finfo(float).tiny)
    if first.labels is not None and second.labels is not None:
        differing |= first.labels != second.labels
    return {
        "rows": len(apart),
        "rows_that_differ": int(differing.sum()),
        "largest_difference": float(apart.max()),
    }


def agree(found: dict[str, Any]) -> bool:
    """Whether :func:`disagreement` found none."""
    return not found["rows_that_differ"]
