from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression, RidgeCV

from mlestar.recipes.recipe import Recipe


class StackedProbabilities(TransformerMixin, BaseEstimator):
    """Logistic regression on the log odds of the members' out-of-fold probabilities (rows, members, classes)."""

    needs_out_of_fold = True

    def __init__(self, strength):
        self.strength = strength

    def fit(self, stack, y):
        self.model_ = LogisticRegression(C=self.strength, max_iter=500).fit(self._log_odds(stack), y)
        return self

    def transform(self, stack):
        values = np.zeros((len(stack), stack.shape[2]))
        values[:, self.model_.classes_.astype(int)] = self.model_.predict_proba(self._log_odds(stack))
        return values

    @staticmethod
    def _log_odds(stack):
        logs = np.log(np.clip(stack, 1e-6, 1.0))
        return (logs[:, :, 1:] - logs[:, :, :1]).reshape(len(stack), -1)


class StackedValues(TransformerMixin, BaseEstimator):
    """Ridge regression on the members' out-of-fold values (rows, members, targets)."""

    needs_out_of_fold = True

    def fit(self, stack, y):
        self.model_ = RidgeCV(alphas=np.logspace(-3, 3, 13)).fit(stack.reshape(len(stack), -1), y)
        return self

    def transform(self, stack):
        return np.reshape(self.model_.predict(stack.reshape(len(stack), -1)), (len(stack), stack.shape[2]))


def combine(ctx, *, strength=0.1):
    """Learn how to combine the members, with a linear model over what they predict."""
    return StackedValues() if ctx.task == "regression" else StackedProbabilities(strength)


RECIPE = Recipe(kind="combine", name="stacking", suits=lambda task: 1.0)
