from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression, RidgeCV

from mlestar.recipes.recipe import Recipe


class Stacking(TransformerMixin, BaseEstimator):
    """A linear model over the members' out-of-fold predictions (rows, members, outputs)."""

    needs_out_of_fold = True

    def __init__(self, classification, strength):
        self.classification = classification
        self.strength = strength

    def fit(self, stack, y):
        self.outputs_ = stack.shape[2]
        if self.classification:
            self.model_ = LogisticRegression(C=self.strength, max_iter=500).fit(self._inputs(stack), y)
        else:
            self.model_ = RidgeCV(alphas=np.logspace(-3, 3, 13)).fit(self._inputs(stack), y)
        return self

    def transform(self, stack):
        if not self.classification:
            return np.reshape(self.model_.predict(self._inputs(stack)), (len(stack), self.outputs_))
        values = np.zeros((len(stack), self.outputs_))
        values[:, self.model_.classes_.astype(int)] = self.model_.predict_proba(self._inputs(stack))
        return values

    def _inputs(self, stack):
        if not self.classification:
            return stack.reshape(len(stack), -1)
        odds = np.log(np.clip(stack, 1e-6, 1.0))
        return (odds[:, :, 1:] - odds[:, :, :1]).reshape(len(stack), -1)


def combine(ctx, *, strength=0.1):
    """Learn how to combine the members: logistic regression on their log odds, ridge regression on their values."""
    return Stacking(ctx.task != "regression", strength)


RECIPE = Recipe(kind="combine", name="stacking", suits=lambda task: 1.0)
