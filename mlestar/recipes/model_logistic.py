from __future__ import annotations

from scipy.sparse import issparse
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from mlestar.recipes.parts import Scaled
from mlestar.recipes.recipe import Recipe, cells, is_regression
from mlestar.recipes.space import Choice, Real


class Logistic(LogisticRegression):
    """Logistic regression with the solver that is the fastest for the shape of the data."""

    def fit(self, X, y):
        classes = len(set(y))
        if X.shape[1] * (classes if classes > 2 else 1) <= 500:
            self.solver = "newton-cholesky"
        else:
            self.solver = "liblinear" if issparse(X) and classes == 2 else "lbfgs"
        return super().fit(X, y)


def model(ctx, *, strength=3.0, balanced=False):
    """Logistic regression with a squared penalty of this strength.

    `balanced` gives rare classes the weight of frequent ones.
    """
    weights = "balanced" if balanced else None
    return make_pipeline(Scaled(), Logistic(C=1 / strength, class_weight=weights, max_iter=1000, random_state=ctx.seed))


RECIPE = Recipe(
    kind="model",
    name="logistic",
    space={"strength": Real(1e-3, 1e3, log=True), "balanced": Choice(False, True)},
    # Of TF-IDF, whose rows have a length of 1, every weight has to be large.
    portfolio=lambda task: (
        ({"strength": 0.03}, {"strength": 0.3}, {})
        if task.text
        else ({}, {"strength": 30.0}, {"strength": 0.03}, {"strength": 0.003})
    ),
    suits=lambda task: 0.0 if is_regression(task) else 6.0 if task.text else 2.5,
    cost=lambda task: 0.1 + (1e-6 * cells(task) + 5e-8 * task.characters) * len(task.classes),
    encodes=("tfidf", ("onehot", {}), ("onehot", {"scaling": "spline"})),
    family="linear",
    sparse=True,
)
