from __future__ import annotations

from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mlestar.recipes.parts import CompactForest, categories_as_codes
from mlestar.recipes.recipe import Recipe, cells, is_large, wants_boosting
from mlestar.recipes.space import Choice, Integer


class CompactExtraTreesRegressor(CompactForest, ExtraTreesRegressor):
    """For values."""


class CompactExtraTreesClassifier(CompactForest, ExtraTreesClassifier):
    """For classes."""


def model(ctx, *, n_estimators=120, min_samples_leaf=2, max_features=0.5, max_depth=None):
    """Extra trees: many deep trees with random thresholds, averaged.

    Takes missing values and sparse matrices without any.
    """
    settings = dict(
        n_estimators=n_estimators,
        min_samples_leaf=min_samples_leaf,
        max_features=max_features,
        max_depth=max_depth,
        random_state=ctx.seed,
    )
    kind = CompactExtraTreesRegressor if ctx.task == "regression" else CompactExtraTreesClassifier
    return make_pipeline(FunctionTransformer(categories_as_codes), kind(**settings))


RECIPE = Recipe(
    kind="model",
    name="extra_trees",
    space={
        "n_estimators": Integer(50, 400, log=True),
        "min_samples_leaf": Integer(1, 30, log=True),
        "max_features": Choice("sqrt", 0.3, 0.5, 0.8, 1.0),
        "max_depth": Choice(None, 12, 20),
    },
    portfolio=({}, {"min_samples_leaf": 5, "max_features": 0.8}, {"min_samples_leaf": 1, "max_features": 1.0}),
    suits=lambda task: 1.5 if is_large(task) else 2.0 if wants_boosting(task) else 3.0,
    cost=lambda task: 0.3 + 9e-6 * cells(task),
    grows={"n_estimators": 1.0},
    encodes=("target", "ordinal"),
    family="trees",
    sparse=True,
)
