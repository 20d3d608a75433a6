from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from mlestar.recipes.recipe import Recipe


class FixedClassWeights(BaseEstimator):
    """Predicts the class whose probability times weight is largest."""

    def __init__(self, weights):
        self.weights = weights

    def fit(self, predictions, y):
        return self

    def predict(self, predictions):
        return (predictions * np.asarray(self.weights)).argmax(axis=1)


def postprocess(ctx, *, weights=(1.0, 1.0)):
    """Predict the class whose probability is largest, times weights that were chosen on out-of-fold predictions."""
    return FixedClassWeights(weights)


# What a search finds with `threshold` ships so.
RECIPE = Recipe(kind="postprocess", name="class_weights", suits=lambda task: 0.0)
