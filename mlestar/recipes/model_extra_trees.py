from __future__ import annotations

from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice, Integer


def categories_as_codes(X):
    """A table's pandas categories as their numbers; anything else as it is."""
    if not hasattr(X, "select_dtypes"):
        return X
    return X.assign(**{name: X[name].cat.codes for name in X.select_dtypes("category").columns}).to_numpy(dtype=float)


class SameToTheLastBit:
    """Trees that are grown in parallel but added up in one order, whatever thread is done first."""

    def fit(self, X, y):
        super().fit(X, y)
        self.n_jobs = 1
        return self


class Classifier(SameToTheLastBit, ExtraTreesClassifier):
    pass


class Regressor(SameToTheLastBit, ExtraTreesRegressor):
    pass


def model(ctx, *, n_estimators=200, min_samples_leaf=2, max_features=0.5, max_depth=None):
    """Extra trees: many deep trees with random thresholds, averaged.

    Takes missing values and sparse matrices without any.
    """
    settings = dict(
        n_estimators=n_estimators,
        min_samples_leaf=min_samples_leaf,
        max_features=max_features,
        max_depth=max_depth,
        random_state=ctx.seed,
        n_jobs=ctx.threads,
    )
    trees = Regressor(**settings) if ctx.task == "regression" else Classifier(**settings)
    return make_pipeline(FunctionTransformer(categories_as_codes), trees)


RECIPE = Recipe(
    kind="model",
    name="extra_trees",
    space={
        "n_estimators": Integer(100, 400),
        "min_samples_leaf": Integer(1, 30, log=True),
        "max_features": Choice("sqrt", 0.3, 0.5, 0.8, 1.0),
        "max_depth": Choice(None, 12, 20),
    },
    portfolio=({}, {"min_samples_leaf": 1, "max_features": 1.0}, {"min_samples_leaf": 5, "max_features": 0.8}),
    suits=lambda task: 2.0,
    cost=lambda task: 0.3 + 1.5e-5 * cells(task),
    encodes=("target", "ordinal"),
    family="trees",
    sparse=True,
)
