"""Rows as they may come in production. Programs are tried on them, and the tests of a program carry this source."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["SAME_PREDICTIONS", "STILL_PREDICTIONS"]


def reversed_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns in the opposite order."""
    return rows[rows.columns[::-1]]


def further_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Columns that the training rows did not have, before and after the others."""
    changed = rows.assign(**{"a further text": "text"})
    changed.insert(0, "a further number", 1.0)
    return changed


def some_values_missing(rows: pd.DataFrame) -> pd.DataFrame:
    """Three of ten values missing."""
    return rows.mask(np.random.default_rng(0).random(rows.shape) < 0.3)


def all_values_missing(rows: pd.DataFrame) -> pd.DataFrame:
    """No value in any column."""
    return rows.mask(rows.notna())


def unseen_values(rows: pd.DataFrame) -> pd.DataFrame:
    """Text that no training row had, and numbers that are greater than all others."""
    changed = rows.copy()
    for name, column in rows.items():
        if pd.api.types.is_string_dtype(column):
            changed[name] = "never seen"
        elif pd.api.types.is_numeric_dtype(column):
            changed[name] = column.max() + 1
    return changed


SAME_PREDICTIONS = (reversed_columns, further_columns)
"""Changes that are no reason to predict anything else."""

STILL_PREDICTIONS = (some_values_missing, all_values_missing, unseen_values)
"""Changes under which there have to be predictions."""
