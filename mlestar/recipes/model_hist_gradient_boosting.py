from __future__ import annotations

from copy import copy
from itertools import chain

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline

from mlestar.recipes.parts import is_small, joined, parted
from mlestar.recipes.recipe import Recipe, cells, wants_boosting
from mlestar.recipes.space import Integer, Real


class EmptyColumnsAsZero(TransformerMixin, BaseEstimator):
    """Zeros in the columns that have no value in any training row, which the binning of scikit-learn does not take."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        self.empty_ = pd.DataFrame(X).isna().all().to_numpy().nonzero()[0]
        return self

    def transform(self, X):
        table = pd.DataFrame(X).copy()
        for position in self.empty_:
            table.isetitem(position, 0.0)
        return table if isinstance(X, pd.DataFrame) else table.to_numpy()


class CompactBoosting:
    """Gradient boosting of scikit-learn whose small trees are saved as one: saving them one by one takes seconds."""

    _PARTS = ("nodes", "binned_left_cat_bitsets", "raw_left_cat_bitsets")

    def __getstate__(self):
        state = dict(super().__getstate__())
        trees = list(chain.from_iterable(state.get("_predictors", ())))
        parts = {part: [getattr(each, part) for each in trees] for part in self._PARTS}
        if trees and is_small(chain.from_iterable(parts.values())):
            state["_predictors"] = trees[:1]
            state["trees_"] = {part: joined(arrays) for part, arrays in parts.items()}
        return state

    def __setstate__(self, state):
        state = dict(state)
        trees = state.pop("trees_", None)
        super().__setstate__(state)
        if trees is not None:
            [first], outputs = self._predictors, self.n_trees_per_iteration_
            found = []
            for parts in zip(*(parted(trees[part]) for part in self._PARTS), strict=True):
                found.append(copy(first))
                found[-1].__setstate__(dict(zip(self._PARTS, parts, strict=True)))  # it fits them to the machine
            self._predictors = [found[place : place + outputs] for place in range(0, len(found), outputs)]


class CompactBoostingRegressor(CompactBoosting, HistGradientBoostingRegressor):
    """For values."""


class CompactBoostingClassifier(CompactBoosting, HistGradientBoostingClassifier):
    """For classes."""


def model(
    ctx,
    *,
    max_iter=300,
    learning_rate=0.04,
    max_leaf_nodes=8,
    min_samples_leaf=10,
    l2_regularization=1.0,
    max_features=0.5,
    early_stopping=False,
):
    """Histogram gradient boosting of scikit-learn.

    Takes missing values and pandas categories (up to 255 per column), but no sparse matrices. With `early_stopping`, it
    ends where more trees predict a tenth of the rows no better; "auto" does so where there are more than 10,000.
    """
    settings = dict(
        max_iter=max_iter,
        learning_rate=learning_rate,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min_samples_leaf,
        l2_regularization=l2_regularization,
        max_features=max_features,
        early_stopping=early_stopping,
        random_state=ctx.seed,
    )
    if ctx.task != "regression":
        return make_pipeline(EmptyColumnsAsZero(), CompactBoostingClassifier(**settings))
    loss = "absolute_error" if ctx.metric in ("mae", "mape") else "squared_error"
    if len(ctx.targets) > 1:
        return make_pipeline(
            EmptyColumnsAsZero(), MultiOutputRegressor(CompactBoostingRegressor(loss=loss, **settings))
        )
    return make_pipeline(EmptyColumnsAsZero(), CompactBoostingRegressor(loss=loss, **settings))


RECIPE = Recipe(
    kind="model",
    name="hist_gradient_boosting",
    space={
        "max_iter": Integer(50, 1000, log=True),
        "learning_rate": Real(0.01, 0.3, log=True),
        "max_leaf_nodes": Integer(4, 64, log=True),
        "min_samples_leaf": Integer(2, 100, log=True),
        "l2_regularization": Real(1e-3, 100.0, log=True),
        "max_features": Real(0.3, 1.0),
    },
    portfolio=(
        {},
        {"learning_rate": 0.06, "max_leaf_nodes": 24, "min_samples_leaf": 20, "max_features": 0.7},
    ),
    suits=lambda task: 3.4 if wants_boosting(task) else 1.7,
    cost=lambda task: 0.3 + 5e-6 * cells(task) * (len(task.classes) if len(task.classes) > 2 else 1) * task.outputs,
    grows={"max_iter": 1.0, "max_leaf_nodes": 0.35},
    slower={"max_iter": 2.0, "learning_rate": 0.5},
    encodes=("native",),
    family="boosting",
    threads=True,
)
