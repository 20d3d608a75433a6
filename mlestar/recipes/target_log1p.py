from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from mlestar.recipes.recipe import Recipe, is_regression


class LogTarget(TransformerMixin, BaseEstimator):
    """log(1 + y), shifted where y goes below zero.

    The inverse stays within the training range and a little beyond, but not below both zero and the least of it.
    """

    def fit(self, y):
        self.shift_ = np.minimum(y.min(axis=0), 0.0)
        logs = np.log1p(y - self.shift_)
        margin = 0.05 * np.ptp(logs, axis=0)
        self.low_, self.high_ = np.maximum(logs.min(axis=0) - margin, 0.0), logs.max(axis=0) + margin
        return self

    def transform(self, y):
        return np.log1p(y - self.shift_)

    def inverse_transform(self, logs):
        return np.expm1(np.clip(logs, self.low_, self.high_)) + self.shift_


def target(ctx):
    """Learn the logarithm of the target: for amounts and counts, whose errors grow with their size."""
    return LogTarget()


RECIPE = Recipe(
    kind="target",
    name="log1p",
    suits=lambda task: is_regression(task) * (3.0 if task.metric in ("rmsle", "mape") else 1.0),
)
