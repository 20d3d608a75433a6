from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.dummy import DummyClassifier
from xgboost import XGBClassifier, XGBRegressor

from mlestar.recipes.parts import categories_as_codes
from mlestar.recipes.recipe import Recipe, cells, is_large, wants_boosting
from mlestar.recipes.space import Integer, Real


class BoosterOfLabels(BaseEstimator):
    """XGBoost for any class numbers: it wants them without a gap, and in some training rows one may be absent."""

    def __init__(self, booster):
        self.booster = booster

    def fit(self, X, y):
        self.classes_, places = np.unique(y, return_inverse=True)
        model = clone(self.booster) if len(self.classes_) > 1 else DummyClassifier()
        self.model_ = model.fit(categories_as_codes(X), places)
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(categories_as_codes(X))


class BoosterOfValues(BaseEstimator):
    """XGBoost that takes pandas categories as their numbers."""

    def __init__(self, booster):
        self.booster = booster

    def fit(self, X, y):
        self.model_ = clone(self.booster).fit(categories_as_codes(X), y)
        return self

    def predict(self, X):
        return self.model_.predict(categories_as_codes(X))


def model(
    ctx,
    *,
    n_estimators=400,
    learning_rate=0.04,
    max_depth=5,
    min_child_weight=3.0,
    subsample=0.8,
    colsample_bytree=0.6,
    reg_lambda=2.0,
    gamma=0.0,
):
    """XGBoost: gradient boosting of trees that grow level by level.

    Takes missing values and sparse matrices.
    """
    settings = dict(
        n_estimators=n_estimators,
        learning_rate=learning_rate,
        max_depth=max_depth,
        min_child_weight=min_child_weight,
        subsample=subsample,
        colsample_bytree=colsample_bytree,
        reg_lambda=reg_lambda,
        gamma=gamma,
        random_state=ctx.seed,
        n_jobs=ctx.threads,
    )
    if ctx.task != "regression":
        return BoosterOfLabels(XGBClassifier(**settings))
    objective = "reg:absoluteerror" if ctx.metric in ("mae", "mape") else "reg:squarederror"
    return BoosterOfValues(XGBRegressor(objective=objective, **settings))


RECIPE = Recipe(
    kind="model",
    name="xgboost",
    space={
        "n_estimators": Integer(50, 1500, log=True),
        "learning_rate": Real(0.01, 0.3, log=True),
        "max_depth": Integer(2, 10),
        "min_child_weight": Real(0.5, 30.0, log=True),
        "subsample": Real(0.5, 1.0),
        "colsample_bytree": Real(0.3, 1.0),
        "reg_lambda": Real(1e-2, 100.0, log=True),
        "gamma": Real(0.0, 2.0),
    },
    portfolio=(
        {},
        {"n_estimators": 300, "max_depth": 3, "learning_rate": 0.06},
        {"n_estimators": 600, "max_depth": 8, "min_child_weight": 8.0},
    ),
    suits=lambda task: 3.3 if wants_boosting(task) else 1.6 if is_large(task) else 1.4,
    cost=lambda task: 0.2 + 5e-6 * cells(task) * (len(task.classes) if len(task.classes) > 2 else 1) * task.outputs,
    grows={"n_estimators": 1.0, "max_depth": 0.8},
    slower={"n_estimators": 2.0, "learning_rate": 0.5},
    encodes=("ordinal", "target"),
    family="boosting",
    sparse=True,
)
