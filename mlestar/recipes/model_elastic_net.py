from __future__ import annotations

from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import ElasticNet
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlestar.recipes.parts import Scaled
from mlestar.recipes.recipe import Recipe, cells, is_regression
from mlestar.recipes.space import Real


def model(ctx, *, strength=0.01, absolute=0.5):
    """Linear regression that leaves columns out: `absolute` is the share of its penalty that is not squared.

    The strength is relative to a target with a standard deviation of 1.
    """
    linear = ElasticNet(alpha=strength, l1_ratio=absolute, max_iter=2000, random_state=ctx.seed)
    return make_pipeline(Scaled(), TransformedTargetRegressor(linear, transformer=StandardScaler()))


RECIPE = Recipe(
    kind="model",
    name="elastic_net",
    space={"strength": Real(1e-4, 1.0, log=True), "absolute": Real(0.05, 1.0)},
    portfolio=({}, {"strength": 0.1}, {"strength": 0.001}),
    suits=lambda task: 0.0 if not is_regression(task) else 1.0 if task.rows < 1000 else 0.5,
    cost=lambda task: 0.1 + 2e-6 * cells(task),
    encodes=("onehot",),
    family="linear",
    sparse=True,
)
