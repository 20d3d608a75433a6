from __future__ import annotations

import pandas as pd

from mlestar.recipes.parts import TypedColumns
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice

MISSING = ("", "?", "...", "na", "n/a", "#n/a", "nan", "-nan", "<na>", "null", "none")  # where case does not matter


class TidyColumns(TypedColumns):
    """Typed columns without what says nothing in the training rows, and without words for "missing"."""

    def __init__(self, numeric=(), categorical=(), dates=(), day_first=(), drop_missing_above=1.0, drop_constant=True):
        super().__init__(numeric, categorical, dates, day_first)
        self.drop_missing_above = drop_missing_above
        self.drop_constant = drop_constant

    def fit(self, X, y=None):
        self.fit_transform(X)
        return self

    def fit_transform(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        typed = super().transform(X)
        self.kept_ = [name for name, column in typed.items() if self.says_something(column)] or list(typed)
        return typed[self.kept_]

    def transform(self, X):
        return super().transform(X[self.kept_])

    def typed(self, column, role):
        typed = super().typed(column, role)
        if role == "categorical" and not pd.api.types.is_numeric_dtype(typed.cat.categories):
            missing = [each for each in typed.cat.categories if each.strip().lower() in MISSING]
            return typed.cat.remove_categories(missing) if missing else typed
        if typed.dtype == "string":
            return typed.mask(typed.str.strip().str.lower().isin(MISSING))
        return typed

    def says_something(self, column):
        missing = column.isna().mean()
        if missing == 1 or missing > self.drop_missing_above:
            return False
        return missing > 0 or not self.drop_constant or (column != column.iloc[0]).any()


def clean(ctx, *, drop_missing_above=1.0, drop_constant=True):
    """Tidy the table: what means "missing" becomes missing, numbers and dates written as text are read as such.

    Columns that say nothing in the training rows (one value, or none at all) are dropped, as are columns of which a
    larger part than `drop_missing_above` is missing; but not if there were none left.
    """
    return TidyColumns(ctx.numeric, ctx.categorical, ctx.dates, ctx.day_first, drop_missing_above, drop_constant)


RECIPE = Recipe(
    kind="clean",
    name="standard",
    space={"drop_missing_above": Choice(1.0, 0.95, 0.8), "drop_constant": Choice(True, False)},
    cost=lambda task: 0.02 + 1e-7 * cells(task) + 3e-4 * len(task.features),
)
