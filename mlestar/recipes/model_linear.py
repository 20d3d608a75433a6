from __future__ import annotations

import pandas as pd
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice, Real


class ImputedAndScaled(TransformerMixin, BaseEstimator):
    """Numbers without gaps and on one scale; sparse matrices stay as they are, pandas categories become columns."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        if not issparse(X):
            steps = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
            self.steps_ = steps.fit(self._plain(X))
        return self

    def transform(self, X):
        return X if issparse(X) else self.steps_.transform(self._plain(X))

    @staticmethod
    def _plain(X):
        return pd.get_dummies(X, dtype="float64").to_numpy() if isinstance(X, pd.DataFrame) else X


def model(ctx, *, strength=0.03, balanced=False):
    """A linear model with a squared penalty: logistic regression for classes, ridge regression for values.

    `strength` is that of the penalty; `balanced` gives rare classes the weight of frequent ones.
    """
    if ctx.task == "regression":
        return make_pipeline(ImputedAndScaled(), Ridge(alpha=strength, random_state=ctx.seed))
    classifier = LogisticRegression(C=1 / strength, class_weight="balanced" if balanced else None, max_iter=1000)
    return make_pipeline(ImputedAndScaled(), classifier)


RECIPE = Recipe(
    kind="model",
    name="linear",
    space={"strength": Real(1e-3, 1e3, log=True), "balanced": Choice(False, True)},
    portfolio=({}, {"strength": 3.0}, {"strength": 0.003}, {"strength": 30.0}),
    suits=lambda task: 6.0 if task.text else 2.5,
    cost=lambda task: 0.1 + 1e-6 * cells(task) * max(1, len(task.classes)),
    encodes=("tfidf", "onehot"),
    family="linear",
    sparse=True,
)
