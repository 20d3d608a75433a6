from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.tree import DecisionTreeRegressor

from mlestar.recipes.parts import in_single_precision, one_column_per_output
from mlestar.recipes.recipe import Recipe
from mlestar.recipes.space import Choice, Integer

OPERATIONS = {
    "/": lambda a, b: a / b.where(b != 0),
    "*": lambda a, b: a * b,
    "-": lambda a, b: a - b,
    "+": lambda a, b: a + b,
}


def combined(X, first, sign, second):
    """Two columns as one."""
    return in_single_precision(OPERATIONS[sign](X[first], X[second]))


def ranks(y):
    """Values as their ranks, so that outliers count no more than others."""
    return pd.DataFrame(y).rank().to_numpy()


class Arithmetic(TransformerMixin, BaseEstimator):
    """Adds ratios, products, differences and sums of two numbers, those that explain the target best.

    A pair counts as far as a small tree on its combination predicts half of a sample better than one on the two columns
    themselves, both fitted on the other half. Only the `columns` columns that predict best by themselves are paired.
    """

    def __init__(self, numeric, goal, most, columns, sample, seed):
        self.numeric = numeric
        self.goal = goal
        self.most = most
        self.columns = columns
        self.sample = sample
        self.seed = seed

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        rows = np.random.default_rng(self.seed).permutation(len(X))[: self.sample]
        X, goal = X.iloc[rows], self.goal(np.asarray(y)[rows])
        names = [name for name in self.numeric if name in X and pd.api.types.is_numeric_dtype(X[name])]
        alone = {name: self._explained(X[[name]], goal) for name in names}
        names = sorted(names, key=lambda name: -alone[name])[: self.columns]
        gains = {}
        for a, b in combinations(names, 2):
            together = self._explained(X[[a, b]], goal)
            for first, sign, second in [(a, "/", b), (b, "/", a), (a, "*", b), (a, "-", b), (a, "+", b)]:
                explained = self._explained(combined(X, first, sign, second).to_frame(), goal)
                gains[first, sign, second] = explained - max(together, 0.0)
        best = sorted(gains, key=lambda each: -gains[each])[: self.most]
        self.combinations_ = [each for each in best if gains[each] > 0]
        return self

    def transform(self, X):
        added = {f"{a} {sign} {b}": combined(X, a, sign, b) for a, sign, b in self.combinations_}
        return pd.concat([X, pd.DataFrame(added, index=X.index)], axis=1)

    def _explained(self, columns, goal):
        half = len(columns) // 2
        tree = DecisionTreeRegressor(max_leaf_nodes=16, min_samples_leaf=max(5, half // 50), random_state=self.seed)
        return tree.fit(columns[:half], goal[:half]).score(columns[half:], goal[half:])


def features(ctx, *, most=8, columns=10, sample=3000):
    """Add up to `most` ratios, products, differences and sums of two numbers that help to predict the target."""
    goal = ranks if ctx.task == "regression" else one_column_per_output
    return Arithmetic(ctx.numeric, goal, most, columns, sample, ctx.seed)


RECIPE = Recipe(
    kind="features",
    name="arithmetic",
    space={"most": Integer(2, 30, log=True), "columns": Integer(5, 15), "sample": Choice(3000, 10_000)},
    portfolio=({}, {"most": 20}),
    suits=lambda task: float(len(task.numeric) > 1),
    cost=lambda task: 0.1 + 0.01 * min(10, len(task.numeric)) ** 2,
)
