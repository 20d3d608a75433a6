from __future__ import annotations

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from mlestar.recipes.parts import CATEGORIES, as_text
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice


class CategoryCounts(TransformerMixin, BaseEstimator):
    """Adds, for each categorical column, which share of the training rows has its value."""

    def __init__(self, least_levels):
        self.least_levels = least_levels

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        counted = [name for name in CATEGORIES(X) if X[name].nunique() >= self.least_levels]
        self.shares_ = {name: as_text(X[name]).value_counts(normalize=True).to_dict() for name in counted}
        return self

    def transform(self, X):
        added = {f"share of {name}": as_text(X[name]).map(shares) for name, shares in self.shares_.items()}
        shares = pd.DataFrame(added, index=X.index).astype("float64").fillna(0.0)
        return pd.concat([X, shares], axis=1)


def features(ctx, *, least_levels=5):
    """Add how frequent the value of each categorical column is, for columns with `least_levels` values and more."""
    return CategoryCounts(least_levels)


RECIPE = Recipe(
    kind="features",
    name="category_counts",
    space={"least_levels": Choice(3, 5, 20)},
    suits=lambda task: 0.8 if task.categorical else 0.0,
    cost=lambda task: 0.02 + 3e-7 * cells(task),
)
