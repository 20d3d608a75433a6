from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import PowerTransformer

from mlestar.recipes.recipe import Recipe, is_regression


class PowerTarget(TransformerMixin, BaseEstimator):
    """The target by the power that makes it most like a normal distribution (Yeo and Johnson, 2000).

    Powers from 0, the logarithm, to 2, that of the mirrored target: those beyond lose large values. The inverse stays
    within the training range.
    """

    def fit(self, y):
        self.power_ = PowerTransformer(standardize=False).fit(y.reshape(len(y), -1))
        self.power_.lambdas_ = self.power_.lambdas_.clip(0.0, 2.0)
        powers = self.transform(y)
        self.low_, self.high_ = powers.min(axis=0), powers.max(axis=0)
        return self

    def transform(self, y):
        return self.power_.transform(y.reshape(len(y), -1)).reshape(y.shape)

    def inverse_transform(self, powers):
        within = np.clip(powers, self.low_, self.high_)
        return self.power_.inverse_transform(within.reshape(len(within), -1)).reshape(within.shape)


def target(ctx):
    """Learn a power of the target that is close to normal: for skewed targets, also those with a long tail below."""
    return PowerTarget()


RECIPE = Recipe(
    kind="target",
    name="yeo_johnson",
    suits=lambda task: is_regression(task) * 0.7,
)
