"""Column statistics, as JSON holds them: for the report, and to compare later data with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlestar.data.task import Storage, Task

__all__ = ["column_statistics"]

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_MOST_VALUES = 10
_LONGEST_VALUE = 80
_SQUARABLE = 1e150


def column_statistics(frame: pd.DataFrame, task: Task) -> dict[str, dict[str, Any]]:
    """Describe every column of a typed frame, targets and joined columns included.

    Returns
    -------
    dict
        By column: ``storage``, ``count`` (rows with a value), ``missing`` and ``unique``; and

        - ``number``: ``infinite``, and of the finite values ``min, mean, std, max, zeros`` and ``quantiles``, which
          maps "0.05", ..., "0.95" to values. ``std`` is that of the population, so that one value has 0.
        - ``string``: ``mean_length`` in characters, and ``top``: values (their first 80 characters) with their counts.
        - ``date``: ``min`` and ``max`` in ISO 8601.

        Where no row has a value, only the first four are there.
    """
    return {column.name: _statistics(frame[column.name], column.storage) for column in task.columns}


def _statistics(column: pd.Series, storage: Storage) -> dict[str, Any]:
    values = column.dropna()
    common = {
        "storage": storage,
        "count": len(values),
        "missing": len(column) - len(values),
        "unique": int(values.nunique()),
    }
    if values.empty:
        return common
    return common | {"number": _of_numbers, "string": _of_strings, "date": _of_dates}[storage](values)


def _of_numbers(values: pd.Series) -> dict[str, Any]:
    numbers = values.to_numpy()
    finite = numbers[np.isfinite(numbers)]
    infinite = {"infinite": len(numbers) - len(finite)}
    if not len(finite):
        return infinite
    largest = float(abs(finite).max())
    unit = largest if largest > _SQUARABLE else 1.0  # whose squares and sums are finite
    quantiles = zip(_QUANTILES, np.quantile(finite / unit, _QUANTILES), strict=True)
    return infinite | {
        "min": float(finite.min()),
        "mean": float((finite / unit).mean() * unit),
        "std": float((finite / unit).std() * unit),
        "max": float(finite.max()),
        "zeros": int((finite == 0).sum()),
        "quantiles": {str(share): float(value * unit) for share, value in quantiles},
    }


def _of_strings(values: pd.Series) -> dict[str, Any]:
    counts = values.value_counts()
    counts = counts[counts >= counts.iloc[min(_MOST_VALUES, len(counts)) - 1]]
    # Ties in alphabetical order: the same data gives the same file.
    top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_VALUES]
    return {
        "mean_length": float(values.str.len().mean()),
        "top": [[value[:_LONGEST_VALUE], int(count)] for value, count in top],
    }


def _of_dates(values: pd.Series) -> dict[str, Any]:
    return {"min": values.min().isoformat(), "max": values.max().isoformat()}
