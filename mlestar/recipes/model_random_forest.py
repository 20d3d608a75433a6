from __future__ import annotations

from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mlestar.recipes.parts import CompactForest, categories_as_codes
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice, Integer


class CompactRandomForestRegressor(CompactForest, RandomForestRegressor):
    """For values."""


class CompactRandomForestClassifier(CompactForest, RandomForestClassifier):
    """For classes."""


def model(ctx, *, n_estimators=120, min_samples_leaf=3, max_features=0.3, max_depth=None):
    """Random forest: many deep trees on bootstrap samples, averaged.

    Takes missing values and sparse matrices without any.
    """
    settings = dict(
        n_estimators=n_estimators,
        min_samples_leaf=min_samples_leaf,
        max_features=max_features,
        max_depth=max_depth,
        random_state=ctx.seed,
    )
    kind = CompactRandomForestRegressor if ctx.task == "regression" else CompactRandomForestClassifier
    return make_pipeline(FunctionTransformer(categories_as_codes), kind(**settings))


RECIPE = Recipe(
    kind="model",
    name="random_forest",
    space={
        "n_estimators": Integer(50, 400, log=True),
        "min_samples_leaf": Integer(1, 30, log=True),
        "max_features": Choice("sqrt", 0.3, 0.5, 0.8, 1.0),
        "max_depth": Choice(None, 12, 20),
    },
    portfolio=({}, {"min_samples_leaf": 10, "max_features": 0.5}, {"min_samples_leaf": 1, "max_features": "sqrt"}),
    suits=lambda task: 1.8,
    cost=lambda task: 0.3 + 1.3e-5 * cells(task),
    grows={"n_estimators": 1.0},
    encodes=("target", "ordinal"),
    family="trees",
    sparse=True,
)
