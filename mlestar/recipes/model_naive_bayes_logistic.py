from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from mlestar.recipes.parts import Scaled
from mlestar.recipes.recipe import Recipe
from mlestar.recipes.space import Choice, Real


class ClassRatios(TransformerMixin, BaseEstimator):
    """Columns weighted by how much more of them the one class has than the other, as naive Bayes would weigh them."""

    def fit(self, X, y):
        X, positive = abs(csr_matrix(X)), np.asarray(y) == np.max(y)
        shares = [1 + np.asarray(X[rows].sum(axis=0)).ravel() for rows in (positive, ~positive)]
        self.ratios_ = np.log(shares[0] / shares[0].sum()) - np.log(shares[1] / shares[1].sum())
        return self

    def transform(self, X):
        return csr_matrix(X).multiply(self.ratios_).tocsr()


def model(ctx, *, strength=0.1, balanced=False):
    """Logistic regression on word counts that are weighted as naive Bayes does, for two classes of texts.

    Source: Wang and Manning, Baselines and Bigrams (2012), with logistic regression in place of their support vectors.
    """
    weights = "balanced" if balanced else None
    logistic = LogisticRegression(
        C=1 / strength, class_weight=weights, solver="liblinear", max_iter=1000, random_state=ctx.seed
    )
    return make_pipeline(Scaled(), ClassRatios(), logistic)


RECIPE = Recipe(
    kind="model",
    name="naive_bayes_logistic",
    space={"strength": Real(1e-3, 1e2, log=True), "balanced": Choice(False, True)},
    portfolio=({}, {"strength": 0.01}, {"strength": 1.0}),
    suits=lambda task: 5.5 if task.text and len(task.classes) == 2 else 0.0,
    cost=lambda task: 0.1 + 1e-5 * task.rows + 2e-7 * task.characters,
    encodes=(("tfidf", {"character_ngrams": 0}), "tfidf"),
    family="linear",
    sparse=True,
)
