from __future__ import annotations

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from mlestar.recipes.parts import filled, one_column_per_output, places
from mlestar.recipes.recipe import Recipe
from mlestar.recipes.space import Choice, Integer


class NeighboursTarget(TransformerMixin, BaseEstimator):
    """Adds the mean target of the training rows that are nearest by some columns.

    The training rows are given that of the nearest rows of other folds, so that no row sees its own target.
    """

    def __init__(self, columns, scaled, neighbours, seed):
        self.columns = columns
        self.scaled = scaled
        self.neighbours = neighbours
        self.seed = seed

    def fit(self, X, y):
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X, y):
        self.n_features_in_ = X.shape[1]
        self.columns_ = [name for name in self.columns if name in X]
        if not self.columns_:
            return X
        targets, folds = one_column_per_output(y), KFold(5, shuffle=True, random_state=self.seed)
        scale = filled(QuantileTransformer(n_quantiles=100, random_state=self.seed)) if self.scaled else filled()
        nearest = KNeighborsRegressor(min(self.neighbours, max(len(X) * 4 // 5 - 1, 1)), weights="distance")
        self.nearest_ = make_pipeline(scale, nearest)
        means = cross_val_predict(clone(self.nearest_), X[self.columns_], targets, cv=folds)
        self.nearest_.fit(X[self.columns_], targets)
        return self._with(X, means)

    def transform(self, X):
        return self._with(X, self.nearest_.predict(X[self.columns_])) if self.columns_ else X

    def _with(self, X, means):
        means = means.reshape(len(X), -1)
        names = [f"neighbours' target {number + 1}" for number in range(means.shape[1])]
        return pd.concat([X, pd.DataFrame(means, columns=names, index=X.index)], axis=1)


def features(ctx, *, neighbours=15, where="places"):
    """Add the mean target of the nearest training rows: by latitude and longitude (`where="places"`) or all numbers."""
    columns = [name for place in places(ctx.numeric) for name in place] if where == "places" else []
    return NeighboursTarget(columns or list(ctx.numeric), not columns, neighbours, ctx.seed)


def suits(task):
    """Not where rows belong together or follow each other: their neighbours then say more in training than later."""
    if len(task.numeric) < 2 or task.group or task.time or task.rows > 50_000:
        return 0.0
    return 1.5 if places(task.numeric) else 0.6


def cost(task):
    """A tree finds the nearest of few coordinates; of many numbers every row is compared with every other."""
    found = places(task.numeric)
    return 0.1 + (2.5e-5 * task.rows * len(found) if found else 2e-9 * task.rows**2 * len(task.numeric))


RECIPE = Recipe(
    kind="features",
    name="neighbours",
    space={"neighbours": Integer(3, 50, log=True), "where": Choice("places", "numbers")},
    portfolio=lambda task: ({}, {"where": "numbers"}) if places(task.numeric) else ({},),
    suits=suits,
    cost=cost,
)
