from __future__ import annotations

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from mlestar.recipes.parts import CATEGORIES, NUMBERS, as_text
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Integer


class GroupStatistics(TransformerMixin, BaseEstimator):
    """Adds how far each number lies from the mean of the training rows with the same category.

    Of the categorical columns only the `keys` with the most values are used: the others say little that a few splits do
    not say as well; of the numbers the first `numbers`.
    """

    def __init__(self, keys, numbers):
        self.keys = keys
        self.numbers = numbers

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        keys = sorted(CATEGORIES(X), key=lambda name: (-X[name].nunique(), str(name)))[: self.keys]
        numbers = NUMBERS(X)[: self.numbers]
        self.overall_ = X[numbers].mean().to_dict()
        self.means_ = {
            key: X[numbers].groupby(as_text(X[key])).mean().to_dict() for key in keys
        }  # {key: {number: {value: mean}}}
        return self

    def transform(self, X):
        added = {}
        for key, means in self.means_.items():
            values = as_text(X[key])
            for name, by_value in means.items():
                mean = values.map(by_value).astype("float64").fillna(self.overall_[name])
                added[f"{name} less its mean by {key}"] = X[name] - mean
        return pd.concat([X, pd.DataFrame(added, index=X.index)], axis=1)


def features(ctx, *, keys=2, numbers=10):
    """Add the numbers less their mean over the rows with the same category."""
    return GroupStatistics(keys, numbers)


RECIPE = Recipe(
    kind="features",
    name="group_statistics",
    space={"keys": Integer(1, 5), "numbers": Integer(3, 20)},
    suits=lambda task: 0.7 if task.categorical and task.numeric else 0.0,
    cost=lambda task: 0.02 + 1e-6 * cells(task),
)
