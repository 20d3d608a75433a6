from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from mlestar.recipes.recipe import Recipe, is_regression


class Clip(BaseEstimator):
    """Predictions held within the range of the training targets."""

    def fit(self, predictions, y):
        self.low_, self.high_ = np.min(y, axis=0), np.max(y, axis=0)
        return self

    def predict(self, predictions):
        return np.clip(predictions, self.low_, self.high_)


def postprocess(ctx):
    """Keep predictions within the range of values seen in training."""
    return Clip()


RECIPE = Recipe(kind="postprocess", name="clip", suits=lambda task: float(is_regression(task)))
