"""The data profile: how the values of each column are distributed, among the training rows and among the holdout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlestar.validation.holdout import Holdout
from mlestar.validation.subject import Source

__all__ = ["profile"]

_BINS = 16
_MOST_VALUES = 8
_LONGEST_VALUE = 40
_TAIL = 0.01  # of the training rows at each end, which share the outermost bin
_CELLS, _FEWEST_ROWS, _MOST_ROWS = 2_000_000, 1000, 20_000  # what is counted: some 2 s at most


def profile(source: Source, holdout: Holdout) -> dict[str, dict[str, Any]]:
    """Counts by column, features and targets, of evenly spread rows where there are very many.

    Returns
    -------
    dict
        By column, ``train`` and ``holdout``: counts of rows with a value,

        - by bin: ``edges`` (one more than bins) of the numbers, of the dates (ISO 8601), or of the lengths of prose,
          with ``unit`` "characters"; what is outside counts in the outermost bins;
        - or by value: ``values``, the commonest ones among the training rows; the last, None, stands for all others.

        Columns without a value among the training rows are absent.
    """
    task = source.task
    tables = {"train": (source.train_features, source.train_y), "holdout": (holdout.features, holdout.y)}
    keys = {column.name for column in task.columns if column.role == "key"}  # which name a row, and say nothing of it
    shown = [name for name in task.features if name not in keys]
    step = max(min(_CELLS // len(task.columns), _MOST_ROWS), _FEWEST_ROWS)
    columns: dict[str, dict[str, pd.Series]] = {}
    for part, (features, y) in tables.items():
        rows = slice(None, None, -(-len(features) // step))
        for name in shown:
            columns.setdefault(name, {})[part] = features[name].iloc[rows].dropna()
        for index, name in enumerate(task.targets):
            values = np.asarray(task.classes, dtype=object)[y.astype(int)] if task.is_classification else y
            column = values.reshape(len(y), -1)[rows, index]
            columns.setdefault(name, {})[part] = pd.Series(column.astype(str) if task.is_classification else column)
    texts = set(task.text)
    return {
        name: _counted(parts["train"], parts["holdout"], prose=name in texts)
        for name, parts in columns.items()
        if len(parts["train"])
    }


def _counted(train: pd.Series, held_out: pd.Series, *, prose: bool) -> dict[str, Any]:
    if prose:
        return _binned(*(each.str.len().to_numpy(np.float64) for each in (train, held_out))) | {"unit": "characters"}
    if pd.api.types.is_datetime64_any_dtype(train):
        found = _binned(*(each.to_numpy("datetime64[s]").astype(np.float64) for each in (train, held_out)))
        return found | {"edges": [str(np.datetime64(int(edge), "s")) for edge in found["edges"]]}
    if pd.api.types.is_numeric_dtype(train):
        return _binned(train.to_numpy(np.float64), held_out.to_numpy(np.float64))
    values = train.value_counts().sort_index().sort_values(ascending=False, kind="stable").index[:_MOST_VALUES]
    counts = {
        part: [*(int((each == value).sum()) for value in values), int((~each.isin(values)).sum())]
        for part, each in (("train", train), ("holdout", held_out))
    }
    return {"values": [*(str(value)[:_LONGEST_VALUE] for value in values), None], **counts}


def _binned(train: np.ndarray, held_out: np.ndarray) -> dict[str, Any]:
    """Counts of finite numbers in bins between the tails of the training rows."""
    train, held_out = (values[np.isfinite(values)] for values in (train, held_out))
    tails = [_TAIL, 1 - _TAIL]
    low, high = np.quantile(train, tails, method="nearest") if len(train) else (0.0, 1.0)
    share = np.linspace(0.0, 1.0, _BINS + 1)
    edges = np.unique(
        (1 - share) * low + share * high
    )  # their difference could be too large, or too small, for a float
    edges = np.repeat(edges, 2) if len(edges) == 1 else edges
    counts = [np.histogram(values.clip(edges[0], edges[-1]), edges)[0].tolist() for values in (train, held_out)]
    return {"edges": edges.tolist(), "train": counts[0], "holdout": counts[1]}
