"""Input that training did not show: missing values, and categories that are new."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from mlestar.evaluation import CandidateFailure
from mlestar.validation.outcome import Outcome, Status, number
from mlestar.validation.predictions import taken
from mlestar.validation.subject import TRIVIAL, Subject

__all__ = ["missing_values", "unseen_categories"]

Change: TypeAlias = Callable[[pd.Series], pd.Series]
_COLUMNS_AT_ONCE = 16
_SECONDS = 4.0
_MOST_LISTED = 20
_UNSEEN_ROLES = ("categorical", "text", "key")
_UNSEEN = "a value that training did not have"
_LATER = pd.Timedelta(days=36_525)


def missing_values(subject: Subject) -> Outcome:
    """Each column without any value, and all of them."""
    return _replaced(subject, subject.task.features, lambda column: column.mask(column.notna()), "is missing")


def unseen_categories(subject: Subject) -> Outcome | None:
    """Each column of categories, text or keys with a value that training did not have, and all of them."""
    columns = [each.name for each in subject.task.columns if not each.table and each.role in _UNSEEN_ROLES]
    return _replaced(subject, columns, _unseen, "has an unseen value") if columns else None


def _unseen(column: pd.Series) -> pd.Series:
    unseen: Any = _UNSEEN
    if pd.api.types.is_numeric_dtype(column):
        unseen = column.fillna(0.0).max() + 1.0
    elif pd.api.types.is_datetime64_any_dtype(column):
        unseen = column.max() + _LATER
    return pd.Series(unseen, index=column.index, dtype=column.dtype)


def _replaced(subject: Subject, columns: Sequence[str], change: Change, what: str) -> Outcome:
    """Fails where no prediction is made; warns where, for want of one column, it is worse than the trivial one."""
    values = {name: change(subject.sample_features[name]) for name in columns}
    try:
        everywhere = subject.sample_score(subject.served.predict(_with(subject, values)))
        effects = _effects(subject, values)
    except CandidateFailure as failure:
        if failure.status in ("timeout", "out_of_memory"):
            raise
        name = _culprit(subject, values)
        where = f"{name!r} {what}" if name else f"every column {what}"
        evidence = {"column": name, "reason": failure.reason}
        return Outcome("fail", f"the model fails where {where}: {failure.reason}", evidence)
    effects.sort(key=lambda each: np.inf if each["loss"] is None else -each["loss"])
    found = {
        "rows": len(subject.sample),
        "score": subject.sample_score(subject.sample_predictions),
        "score_where_every_column_" + what.replace(" ", "_"): everywhere,
        "columns_tested": len(effects),
        "columns": effects[:_MOST_LISTED],
        "columns_without_effect": [each["column"] for each in effects if not each["changed_rows"]],
    }
    return Outcome(*_judged(subject, effects, what), found)


def _judged(subject: Subject, effects: Sequence[Mapping[str, Any]], what: str) -> tuple[Status, str]:
    worst = next((effect for effect in effects if effect["loss"] is not None), None)
    if worst is None:
        return "pass", f"predictions are made where a column {what}; there is no score on so few rows"
    change = f"worsens by {number(max(worst['loss'], 0.0))}, to {number(worst['score'])}"
    summary = f"where {worst['column']!r} {what} the score {change}"
    trivial = subject.holdout.score_rows(subject.models[TRIVIAL], subject.sample)
    noise = subject.half_width * np.sqrt(len(subject.holdout) / len(subject.sample))
    if trivial is not None and subject.holdout.gain(trivial, worst["score"]) > noise:
        return "warn", f"{summary}, and the trivial baseline scores {number(trivial)}"
    return "pass", f"predictions are made; at worst, {summary}"


def _effects(subject: Subject, values: Mapping[str, pd.Series]) -> list[dict[str, Any]]:
    """What replacing one column does to the sample, for as many columns as there is time for."""
    deadline = time.monotonic() + subject.source.allowance(_SECONDS)
    base, count = subject.sample_predictions, len(subject.sample)
    before = subject.sample_score(base)
    names, effects = list(values), []
    for start in range(0, len(names), _COLUMNS_AT_ONCE):
        if start and time.monotonic() > deadline:
            break
        at_once = names[start : start + _COLUMNS_AT_ONCE]
        found = subject.served.predict(pd.concat([_with(subject, {name: values[name]}) for name in at_once]))
        for place, name in enumerate(at_once):
            part = taken(found, slice(place * count, (place + 1) * count))
            after = subject.sample_score(part)
            loss = None if before is None or after is None else subject.holdout.gain(before, after)
            changed = int((part.values != base.values).any(axis=1).sum())
            effects.append({"column": name, "score": after, "loss": loss, "changed_rows": changed})
    return effects


def _with(subject: Subject, values: Mapping[str, pd.Series]) -> pd.DataFrame:
    features = subject.sample_features.copy(deep=False)
    for name, column in values.items():
        features[name] = column
    return features


def _culprit(subject: Subject, values: Mapping[str, pd.Series]) -> str | None:
    """The first column that makes the model fail alone, if there was the time to find it."""
    deadline = time.monotonic() + subject.source.allowance(_SECONDS)
    for name, column in values.items():
        if time.monotonic() > deadline:
            return None
        try:
            subject.served.predict(_with(subject, {name: column}))
        except CandidateFailure:
            return name
    return None
