from __future__ import annotations

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from mlestar.recipes.parts import Scaled
from mlestar.recipes.recipe import Recipe, cells, is_regression
from mlestar.recipes.space import Choice, Real


def model(ctx, *, strength=0.03, balanced=False):
    """Logistic regression with a squared penalty of this strength.

    `balanced` gives rare classes the weight of frequent ones.
    """
    weights = "balanced" if balanced else None
    return make_pipeline(Scaled(), LogisticRegression(C=1 / strength, class_weight=weights, max_iter=1000))


RECIPE = Recipe(
    kind="model",
    name="logistic",
    space={"strength": Real(1e-3, 1e3, log=True), "balanced": Choice(False, True)},
    portfolio=({}, {"strength": 3.0}, {"strength": 0.003}, {"strength": 30.0}),
    suits=lambda task: 0.0 if is_regression(task) else 6.0 if task.text else 2.5,
    cost=lambda task: 0.1 + 1e-6 * cells(task) * len(task.classes),
    encodes=("tfidf", "onehot"),
    family="linear",
    sparse=True,
)
