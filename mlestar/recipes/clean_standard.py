from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline
from skrub import Cleaner

from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice


class TypedColumns(TransformerMixin, BaseEstimator):
    """Columns as the task declares them: numbers as floats, dates as timestamps, infinities as missing."""

    def __init__(self, numeric=(), dates=()):
        self.numeric = numeric
        self.dates = dates

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        X = X.copy()
        for name, column in X.items():
            if pd.api.types.is_numeric_dtype(column) or name in self.numeric:
                numbers = pd.to_numeric(column, errors="coerce").astype("float64")
                X[name] = numbers.where(np.isfinite(numbers))
            elif pd.api.types.is_datetime64_any_dtype(column):
                X[name] = column.dt.tz_localize(None)
            elif name in self.dates:
                X[name] = pd.to_datetime(column, errors="coerce", format="mixed", utc=True).dt.tz_localize(None)
        return X


def clean(ctx, *, drop_missing_above=1.0, drop_constant=True):
    """Tidy the table: what means "missing" becomes missing, numbers and dates written as text are read as such.

    Columns that say nothing in the training rows (one value, or none at all) are dropped, as are columns of which a
    larger part than `drop_missing_above` is missing.
    """
    return make_pipeline(
        Cleaner(drop_null_fraction=drop_missing_above, drop_if_constant=drop_constant, parse_numbers=True),
        TypedColumns(ctx.numeric, ctx.dates),
    )


RECIPE = Recipe(
    kind="clean",
    name="standard",
    space={"drop_missing_above": Choice(1.0, 0.95, 0.8), "drop_constant": Choice(True, False)},
    cost=lambda task: 0.02 + 1e-6 * cells(task),
)
