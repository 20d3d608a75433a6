from __future__ import annotations

from lightgbm import LGBMRegressor
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline

from mlestar.recipes.parts import Scaled
from mlestar.recipes.recipe import Recipe, cells, is_regression
from mlestar.recipes.space import Integer, Real


class InTwoSteps(RegressorMixin, BaseEstimator):
    """The first model, and the second for what it leaves over."""

    def __init__(self, first, second):
        self.first = first
        self.second = second

    def fit(self, X, y):
        self.first_ = clone(self.first).fit(X, y)
        self.second_ = clone(self.second).fit(X, y - self.first_.predict(X))
        return self

    def predict(self, X):
        return self.first_.predict(X) + self.second_.predict(X)


def model(
    ctx,
    *,
    strength=3.0,
    n_estimators=400,
    learning_rate=0.03,
    num_leaves=16,
    min_child_samples=10,
    colsample_bytree=0.7,
):
    """Linear regression, then LightGBM for its errors: the trend goes on where trees, alone, would stay level."""
    linear = make_pipeline(Scaled(), Ridge(alpha=strength, random_state=ctx.seed))
    trees = LGBMRegressor(
        n_estimators=n_estimators,
        learning_rate=learning_rate,
        num_leaves=num_leaves,
        min_child_samples=min_child_samples,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=colsample_bytree,
        random_state=ctx.seed,
        n_jobs=ctx.threads,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )
    return InTwoSteps(linear, MultiOutputRegressor(trees) if len(ctx.targets) > 1 else trees)


RECIPE = Recipe(
    kind="model",
    name="linear_lightgbm",
    space={
        "strength": Real(1e-3, 1e3, log=True),
        "n_estimators": Integer(50, 1500, log=True),
        "learning_rate": Real(0.01, 0.3, log=True),
        "num_leaves": Integer(4, 128, log=True),
        "min_child_samples": Integer(2, 200, log=True),
        "colsample_bytree": Real(0.3, 1.0),
    },
    portfolio=({}, {"num_leaves": 32, "n_estimators": 600}, {"num_leaves": 6, "strength": 30.0}),
    suits=lambda task: 0.0 if not is_regression(task) or task.text else 3.1 if task.time else 1.2,
    cost=lambda task: 0.2 + 4e-6 * cells(task) * task.outputs,
    grows={"n_estimators": 1.0, "num_leaves": 0.35},
    encodes=(("onehot", {}),),
    family="linear",
    sparse=True,
)
