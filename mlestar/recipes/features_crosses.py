from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import Ridge
from sklearn.preprocessing import OneHotEncoder

from mlestar.recipes.parts import CATEGORIES, as_text, one_column_per_output
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice, Integer


def crossed(X, a, b):
    """Two columns of categories as one."""
    return (as_text(X[a]) + " & " + as_text(X[b])).rename(f"{a} & {b}")


class Crosses(TransformerMixin, BaseEstimator):
    """Adds pairs of categorical columns as one column each, those that explain the target best.

    A pair counts as far as a ridge regression on its values and those of the two columns predicts half of a sample
    better than one on the two columns alone, both fitted on the other half. Only the `columns` columns that predict
    best by themselves are paired.
    """

    def __init__(self, most, columns, sample, seed):
        self.most = most
        self.columns = columns
        self.sample = sample
        self.seed = seed

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        rows = np.random.default_rng(self.seed).permutation(len(X))[: self.sample]
        X, goal = X.iloc[rows], one_column_per_output(y)[rows]
        alone = {name: self._explained(as_text(X[name]).to_frame(), goal) for name in CATEGORIES(X)}
        telling = sorted(alone, key=lambda name: -alone[name])[: self.columns]
        gains = {}
        for a, b in combinations([name for name in alone if name in telling], 2):
            apart = X[[a, b]].apply(as_text)
            together = pd.concat([apart, crossed(X, a, b)], axis=1)
            gains[a, b] = self._explained(together, goal) - max(self._explained(apart, goal), 0.0)
        best = sorted(gains, key=lambda each: -gains[each])[: self.most]
        self.pairs_ = [each for each in best if gains[each] > 0]
        return self

    def transform(self, X):
        added = [crossed(X, a, b).astype("category") for a, b in self.pairs_]
        return pd.concat([X, *added], axis=1)

    def _explained(self, columns, goal):
        half = len(columns) // 2
        values = OneHotEncoder(handle_unknown="ignore").fit(columns[:half])
        ridge = Ridge(5.0, solver="sparse_cg").fit(values.transform(columns[:half]), goal[:half])
        return ridge.score(values.transform(columns[half:]), goal[half:])


def features(ctx, *, most=3, columns=6, sample=5000):
    """Add up to `most` pairs of categorical columns, as one column each, that help to predict the target."""
    return Crosses(most, columns, sample, ctx.seed)


RECIPE = Recipe(
    kind="features",
    name="crosses",
    space={"most": Integer(1, 10, log=True), "columns": Integer(3, 10), "sample": Choice(5000, 20_000)},
    suits=lambda task: 0.9 if len(task.categorical) > 1 else 0.0,
    cost=lambda task: 0.3 + 1e-7 * cells(task),
)
