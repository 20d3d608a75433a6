from __future__ import annotations

import re

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice


class CategoryTable(TransformerMixin, BaseEstimator):
    """A table of floats and of pandas categories, whose levels are those of the training rows.

    Column names are reduced to letters, digits and underscores, which is what LightGBM accepts.
    """

    def __init__(self, rare_below, most):
        self.rare_below = rare_below
        self.most = most

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        self.levels_ = {}
        for name, column in X.select_dtypes("category").items():
            counts = column.value_counts()
            frequent = counts.index[counts >= self.rare_below][: self.most]
            self.levels_[name] = sorted(set(map(str, frequent)) - {"(rare)"})
        return self

    def transform(self, X):
        columns = {}
        for position, (name, column) in enumerate(X.items()):
            label = f"{re.sub(r'[^0-9A-Za-z]+', '_', str(name))}_{position}"
            if name in self.levels_:
                levels = pd.Index([*self.levels_[name], "(rare)"])
                places = levels.get_indexer([str(each) for each in column.cat.categories])
                found = np.append(np.where(places < 0, len(levels) - 1, places), -1)  # the last is for missing ones
                columns[label] = pd.Categorical.from_codes(found[column.cat.codes], levels)
            elif pd.api.types.is_datetime64_any_dtype(column):
                columns[label] = (column - pd.Timestamp(0)).dt.total_seconds() / 86400
            elif pd.api.types.is_string_dtype(column):
                columns[label] = column.fillna("").str.len().astype("float64")
            else:
                columns[label] = column.astype("float64")
        return pd.DataFrame(columns, index=X.index)


def encode(ctx, *, rare_below=3, most=200):
    """Hand categories to the model as such, for boosting that splits on sets of categories.

    Of each column the `most` frequent categories, those seen at least `rare_below` times, are kept; the others, and the
    unseen ones, become one.
    """
    return CategoryTable(rare_below, most)


RECIPE = Recipe(
    kind="encode",
    name="native",
    space={"rare_below": Choice(1, 3, 10, 30), "most": Choice(20, 50, 200)},
    suits=lambda task: 3.0 if task.categorical else 0.0,
    cost=lambda task: 0.02 + 2e-7 * cells(task),
    families=("boosting",),
)
