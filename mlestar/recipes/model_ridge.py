from __future__ import annotations

from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from mlestar.recipes.parts import Scaled
from mlestar.recipes.recipe import Recipe, cells, is_regression
from mlestar.recipes.space import Real


def model(ctx, *, strength=0.03):
    """Linear regression with a squared penalty of this strength."""
    return make_pipeline(Scaled(), Ridge(alpha=strength, random_state=ctx.seed))


RECIPE = Recipe(
    kind="model",
    name="ridge",
    space={"strength": Real(1e-3, 1e3, log=True)},
    portfolio=({}, {"strength": 3.0}, {"strength": 0.003}, {"strength": 30.0}),
    suits=lambda task: 0.0 if not is_regression(task) else 6.0 if task.text else 2.5,
    cost=lambda task: 0.1 + 1e-6 * cells(task) + 2e-7 * task.characters,
    encodes=("tfidf", "onehot"),
    family="linear",
    sparse=True,
)
