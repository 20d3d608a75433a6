"""What the predictions rest on: the score that is lost when the values of a column are dealt to other rows."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pandas as pd

from mlestar.validation.outcome import Outcome, number
from mlestar.validation.subject import Subject

__all__ = ["importance"]

_SECONDS = 4.0
_REPEATS, _PREDICTIONS = 5, 500  # at most; but each column once


def importance(subject: Subject) -> Outcome:
    """Permutation importance of each column, on a sample of the holdout, through the served model.

    A column that another one can stand in for shows less than it is worth. How often each column is permuted depends on
    the time that is left, where there is a limit; where it is not enough for once, nothing is known.

    References
    ----------
    Breiman, L. (2001). Random Forests. Machine Learning 45, 5-32.
    """
    started = time.monotonic()
    before = subject.sample_score(subject.served.predict(subject.sample_features))
    if before is None:
        return Outcome("not_run", f"{subject.task.metric} is not defined on so few rows")
    columns = len(subject.task.features)
    needed = (time.monotonic() - started) * (columns + 1)
    allowed = subject.source.allowance(_SECONDS) if math.isfinite(subject.source.seconds_left()) else math.inf
    if needed > allowed:
        permuting = f"permuting {columns:,} column{'s' if columns > 1 else ''} takes some {number(needed)} s"
        return Outcome("not_run", f"{permuting}, and {number(allowed)} s were left for it")
    started, losses = time.monotonic(), [_permuted(subject, 0)]
    for repeat in range(1, min(_REPEATS, _PREDICTIONS // columns)):
        spent = time.monotonic() - started
        if spent * (repeat + 1) / repeat > allowed:
            break
        losses.append(_permuted(subject, repeat))
    return _outcome(subject, before, np.stack(losses, axis=1))


def _permuted(subject: Subject, repeat: int) -> np.ndarray:
    """What each column's permutation loses, shape (columns,); NaN where the metric is not defined."""
    from sklearn.frozen import FrozenEstimator
    from sklearn.inspection import permutation_importance

    def score(_: FrozenEstimator, features: pd.DataFrame, __: np.ndarray) -> float:
        found = subject.sample_score(subject.served.predict(features))
        return np.nan if found is None else subject.holdout.gain(found, 0.0)

    found = permutation_importance(
        FrozenEstimator(subject.served),
        subject.sample_features,
        subject.holdout.y[subject.sample],
        scoring=score,
        n_repeats=1,
        random_state=subject.task.seed + repeat,
    )
    return np.asarray(found.importances[:, 0])


def _outcome(subject: Subject, before: float, losses: np.ndarray) -> Outcome:
    """Losses have the shape (columns, repeats)."""
    columns: list[dict[str, Any]] = [
        {
            "column": name,
            "importance": float(lost.mean()),
            "standard_error": float(lost.std(ddof=1) / np.sqrt(len(lost))) if len(lost) > 1 else None,
        }
        for name, lost in zip(subject.sample_features.columns, losses, strict=True)
        if np.isfinite(lost).all()
    ]
    columns.sort(key=lambda each: -each["importance"])
    evidence = {
        "rows": len(subject.sample),
        "repeats": losses.shape[1],
        "score": before,
        "columns": columns,
        "columns_without_effect": [each["column"] for each in columns if not each["importance"]],
    }
    if not columns or columns[0]["importance"] <= 0:
        return Outcome("warn", "no column worsens the score when its values are permuted", evidence)
    first = columns[0]
    lost = f"{number(first['importance'])} of {number(before)} {subject.task.metric}"
    helping = sum(each["importance"] > 0 for each in columns)
    summary = (
        f"permuting {first['column']!r} costs most, {lost}; {helping:,} of {len(columns):,} columns cost something"
    )
    return Outcome("pass", summary, evidence)
