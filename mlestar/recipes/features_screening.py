from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from mlestar.recipes.parts import NUMBERS, one_column_per_output
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Integer


class Screening(TransformerMixin, BaseEstimator):
    """Keeps the numbers that by themselves say most of the target (sure independence screening; Fan and Lv, 2008).

    What counts is the larger of the correlations of a column, and of its distance from its mean, with the target.
    """

    def __init__(self, most, sample, seed):
        self.most = most
        self.sample = sample
        self.seed = seed

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        rows = np.random.default_rng(self.seed).permutation(len(X))[: self.sample]
        goal = self._standardised(one_column_per_output(y)[rows])
        numbers = NUMBERS(X)
        values = self._standardised(X[numbers].to_numpy(dtype="float64")[rows])
        said = [abs(each.T @ goal).max(axis=1) for each in (values, self._standardised(abs(values)))]
        order = np.argsort(-np.maximum(*said), kind="stable")[: self.most]
        left_out = set(numbers) - {numbers[place] for place in order}
        self.kept_ = [name for name in X if name not in left_out]
        return self

    def transform(self, X):
        return X[self.kept_]

    @staticmethod
    def _standardised(values):
        """With a mean of 0 and a standard deviation of 1, or 0 where all are alike; a missing one is the mean."""
        known = np.isfinite(values)
        means = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        centred = np.where(known, values - means, 0.0)
        spread = centred.std(axis=0)
        return centred / np.where(spread > 0, spread, 1.0)


def features(ctx, *, most=300, sample=10_000):
    """Keep the `most` numbers that by themselves say most of the target in a `sample` of the rows."""
    return Screening(most, sample, ctx.seed)


RECIPE = Recipe(
    kind="features",
    name="screening",
    space={"most": Integer(50, 1000, log=True)},
    portfolio=({}, {"most": 100}, {"most": 1000}),
    suits=lambda task: 0.5 if 150 < len(task.numeric) <= 600 else 5.0 * (len(task.numeric) > 600),
    cost=lambda task: 0.02 + 3e-8 * cells(task),
    narrows="most",
)
