from __future__ import annotations

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier, CatBoostRegressor
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.dummy import DummyClassifier, DummyRegressor

from mlestar.recipes.recipe import Recipe, cells, is_large, is_regression
from mlestar.recipes.space import Integer, Real


class CatBoostOnTables(BaseEstimator):
    """CatBoost that finds the categories of a pandas table itself.

    `constant` is fitted where no column varies, which CatBoost refuses.
    """

    def __init__(self, booster, constant):
        self.booster = booster
        self.constant = constant

    def fit(self, X, y):
        if self._varies(X):
            columns = X.select_dtypes("category").columns.to_list() if isinstance(X, pd.DataFrame) else []
            booster = clone(self.booster).set_params(cat_features=columns)
            if len(y) < 100:  # of fewer, a tree may be left without rows, which CatBoost refuses
                booster.set_params(subsample=1.0)
            self.model_ = booster.fit(self._plain(X), y)
            for name in ("train_finish_time", "model_guid"):  # so that equal models are saved as equal files
                self.model_.get_metadata()[name] = ""
        else:
            self.model_ = clone(self.constant).fit(X, y)
        return self

    def predict(self, X):
        return self.model_.predict(self._plain(X))

    @staticmethod
    def _varies(X):
        return issparse(X) or bool((pd.DataFrame(X).nunique(dropna=False) > 1).any())

    @staticmethod
    def _plain(X):
        """Categories as text, which CatBoost wants; "" where missing."""
        if not isinstance(X, pd.DataFrame):
            return X
        X = X.copy(deep=False)
        for name in X.select_dtypes("category"):
            X[name] = X[name].astype("object").fillna("")
        return X


class CatBoostClassifierOnTables(CatBoostOnTables):
    """The same for classes."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return super().fit(X, y)

    def predict_proba(self, X):
        return self.model_.predict_proba(self._plain(X))


def model(
    ctx,
    *,
    iterations=500,
    learning_rate=0.05,
    depth=5,
    l2_leaf_reg=5.0,
    random_strength=1.0,
    rsm=0.5,
    subsample=0.5,
    leaf_estimation_iterations=1,
):
    """CatBoost: gradient boosting of symmetric trees, with target statistics of categories computed in passing.

    Takes missing values and pandas categories; sparse matrices too, slowly.
    """
    settings = dict(
        iterations=iterations,
        learning_rate=learning_rate,
        depth=depth,
        l2_leaf_reg=l2_leaf_reg,
        random_strength=random_strength,
        rsm=rsm,
        bootstrap_type="MVS",
        subsample=subsample,
        boosting_type="Plain",
        max_ctr_complexity=1,
        one_hot_max_size=20,
        border_count=128,
        random_seed=ctx.seed,
        thread_count=ctx.threads,
        allow_const_label=True,
        allow_writing_files=False,
        verbose=False,
    )
    if ctx.task != "regression":
        settings["loss_function"] = "MultiClass" if len(ctx.classes) > 2 else "Logloss"
        booster = CatBoostClassifier(leaf_estimation_iterations=leaf_estimation_iterations, **settings)
        return CatBoostClassifierOnTables(booster, DummyClassifier())
    loss = "MultiRMSE" if len(ctx.targets) > 1 else "MAE" if ctx.metric in ("mae", "mape") else "RMSE"
    booster = CatBoostRegressor(loss_function=loss, leaf_estimation_iterations=1, **settings)
    return CatBoostOnTables(booster, DummyRegressor())


def portfolio(task):
    """Larger models first for numbers, which are less noisy than classes, and where rows are many."""
    large = {"iterations": 800, "learning_rate": 0.06, "depth": 7, "l2_leaf_reg": 3.0}
    quick = {"iterations": 300, "learning_rate": 0.1, "depth": 6, "l2_leaf_reg": 3.0, "rsm": 1.0}
    small = {"iterations": 300, "depth": 4, "l2_leaf_reg": 10.0}
    steps = {**quick, "iterations": 600, "learning_rate": 0.06, "leaf_estimation_iterations": 5}
    if is_regression(task):
        return ({}, large, quick, small)
    return ({}, quick, small, large, steps) if task.rows < 20_000 else (quick, steps, {}, large, small)


RECIPE = Recipe(
    kind="model",
    name="catboost",
    space={
        "iterations": Integer(100, 1500, log=True),
        "learning_rate": Real(0.01, 0.3, log=True),
        "depth": Integer(3, 8),
        "l2_leaf_reg": Real(0.5, 50.0, log=True),
        "random_strength": Real(0.1, 10.0, log=True),
        "rsm": Real(0.3, 1.0),
        "subsample": Real(0.3, 1.0),
        "leaf_estimation_iterations": Integer(1, 10, log=True),
    },
    portfolio=portfolio,
    suits=lambda task: 4.5 if cells(task) < 3_000_000 or is_large(task) else 2.2,
    cost=lambda task: (
        0.2
        + (4e-6 * cells(task) + 6e-6 * task.rows * len(task.categorical)) * max(1, len(task.classes) - 1) * task.outputs
    ),
    grows={"iterations": 1.0, "depth": 1.1, "rsm": 0.25, "leaf_estimation_iterations": 0.3},
    slower={"iterations": 2.0, "learning_rate": 0.5},
    encodes=("native",),
    family="boosting",
    threads=True,
)
