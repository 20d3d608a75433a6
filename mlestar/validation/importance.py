"""What the predictions rest on: the score that is lost when the values of a column are dealt to other rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from mlestar.validation.outcome import Outcome, number
from mlestar.validation.predictions import taken
from mlestar.validation.subject import Subject

__all__ = ["importance"]

_SECONDS, _SHARE = 4.0, 0.1  # at most the greater: so much, or of what is left
_REPEATS, _PERMUTATIONS = 5, 500  # at most; but each column once
_COLUMNS_AT_ONCE = 16  # a call costs more than its rows
_ROUNDING = 1e-9  # of the score: sums in another order


def importance(subject: Subject) -> Outcome:
    """Permutation importance of each column, on resamples of a sample of the holdout, through the served model.

    Each time rows are drawn anew (with replacement) before the columns are permuted, so that the spread tells how much
    other rows could change, too: a bootstrap. A column that another one can stand in for shows less than it is worth.
    How often this is done depends on the time that is left, where there is a limit; where it is not enough for once,
    nothing is known.

    References
    ----------
    Breiman, L. (2001). Random Forests. Machine Learning 45, 5-32.
    """
    before = subject.sample_score(subject.sample_predictions)
    if before is None:
        return Outcome("not_run", f"{subject.task.metric} is not defined on so few rows")
    columns = len(subject.task.features)
    allowed = subject.source.allowance(max(_SECONDS, _SHARE * subject.source.seconds_left()))
    needed, deadline = _expected_seconds(subject, columns), time.monotonic() + allowed
    losses: list[np.ndarray] = []
    while needed <= allowed and len(losses) < max(min(_REPEATS, _PERMUTATIONS // columns), 1):
        found = list(_losses(subject, subject.task.seed + len(losses), deadline))
        if len(found) < columns:
            break
        losses.append(np.array(found))
    if not losses:
        permuting = f"permuting {columns:,} column{'s' if columns > 1 else ''} takes some {number(needed)} s or more"
        return Outcome("not_run", f"{permuting}, {number(allowed)} s were left; {subject.source.remedy}")
    repeats = [each for each in losses if not np.isnan(each).all()]  # without those whose rows are all of one class
    if not repeats:
        return Outcome("not_run", f"{subject.task.metric} is not defined on so few rows")
    return _outcome(subject, before, np.stack(repeats, axis=1))


def _expected_seconds(subject: Subject, columns: int) -> float:
    """What permuting each column once takes, judged by what one row took, and what all rows of the holdout."""
    _, calls = subject.single_calls
    one = float(np.median([each.seconds for each in calls]))
    each_row = max(subject.predicted.seconds - one, 0.0) / len(subject.holdout)
    return -(-columns // _COLUMNS_AT_ONCE) * one + columns * len(subject.sample) * each_row


def _losses(subject: Subject, seed: int, deadline: float) -> Iterator[float]:
    """What each column's permutation loses on one resample, until the deadline; NaN where there is no score."""
    generator, count = np.random.default_rng(seed), len(subject.sample)
    rows, order = generator.integers(0, count, count), generator.permutation(count)
    features = subject.sample_features.iloc[rows].reset_index(drop=True)
    before = subject.sample_score(taken(subject.sample_predictions, rows), rows)
    names = list(subject.task.features)
    for start in range(0, len(names), _COLUMNS_AT_ONCE):
        if time.monotonic() > deadline:
            return
        at_once = names[start : start + _COLUMNS_AT_ONCE]
        dealt = [_dealt(features, name, order) for name in at_once]
        found = subject.served.predict(pd.concat(dealt, ignore_index=True))
        for place in range(len(at_once)):
            after = subject.sample_score(taken(found, slice(place * count, (place + 1) * count)), rows)
            yield np.nan if before is None or after is None else subject.holdout.gain(before, after)


def _dealt(features: pd.DataFrame, name: str, order: np.ndarray) -> pd.DataFrame:
    """The features with one column's values in another order."""
    dealt = features.copy(deep=False)
    dealt[name] = features[name].array[order]
    return dealt


def _outcome(subject: Subject, before: float, losses: np.ndarray) -> Outcome:
    """Losses have the shape (columns, repeats)."""
    losses = np.where(np.abs(losses) <= _ROUNDING * abs(before), 0.0, losses)
    columns: list[dict[str, Any]] = [
        {
            "column": name,
            "importance": float(lost.mean()),
            "standard_error": float(lost.std(ddof=1)) if len(lost) > 1 else None,
        }
        for name, lost in zip(subject.task.features, losses, strict=True)
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
