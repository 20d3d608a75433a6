from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice


class ColumnsOf:
    """Picks the columns of one sort from a table: "categories", "numbers", "dates" or "texts"."""

    def __init__(self, sort, ctx):
        self.sort = sort
        self.categorical = ctx.categorical
        self.text = ctx.text

    def __call__(self, X):
        return [name for name in X.columns if self.sort_of(X[name]) == self.sort]

    def sort_of(self, column):
        if pd.api.types.is_datetime64_any_dtype(column):
            return "dates"
        if pd.api.types.is_numeric_dtype(column):
            return "categories" if column.name in self.categorical else "numbers"
        return "texts" if column.name in self.text else "categories"


def as_days(X):
    """Dates as days since 1970."""
    return X.apply(lambda column: (column - pd.Timestamp(0)).dt.total_seconds() / 86400)


def as_lengths(X):
    """Texts as their numbers of characters."""
    return X.apply(lambda column: column.astype("object").fillna("").astype("str").str.len().astype("float64"))


def encode(ctx, *, rare_below=1):
    """Number the categories in their natural order; numbers stay as they are, dates become days, texts their length.

    Categories seen fewer than `rare_below` times share one code. Missing and unseen categories are NaN, which tree
    models handle themselves.
    """
    categories = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan, min_frequency=rare_below
    )
    return ColumnTransformer(
        [
            ("categories", categories, ColumnsOf("categories", ctx)),
            ("numbers", "passthrough", ColumnsOf("numbers", ctx)),
            ("dates", FunctionTransformer(as_days), ColumnsOf("dates", ctx)),
            ("texts", FunctionTransformer(as_lengths), ColumnsOf("texts", ctx)),
        ]
    )


RECIPE = Recipe(
    kind="encode",
    name="ordinal",
    space={"rare_below": Choice(1, 3, 10)},
    suits=lambda task: 2.0,
    cost=lambda task: 0.02 + 1e-7 * cells(task),
    families=("boosting", "trees"),
)
