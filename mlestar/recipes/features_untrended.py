from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from mlestar.recipes.parts import NUMBERS
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Real


class Untrended(TransformerMixin, BaseEstimator):
    """Leaves out numbers whose rank correlation with the order of the rows is `steady` or more, up or down.

    Later rows have values beyond those of the training rows, which trees have learned nothing of.
    """

    SAMPLE = 10_000  # rows at equal distances that are looked at

    def __init__(self, steady):
        self.steady = steady

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        rows = X.iloc[np.linspace(0, len(X) - 1, min(len(X), self.SAMPLE)).astype(int)]
        order = pd.Series(np.arange(len(rows)), index=rows.index)
        varying = [name for name in NUMBERS(X) if rows[name].nunique() > 1]
        trended = {name for name in varying if abs(rows[name].corr(order, method="spearman")) >= self.steady}
        self.kept_ = [name for name in X if name not in trended]
        return self

    def transform(self, X):
        return X[self.kept_] if self.kept_ else X


def features(ctx, *, steady=0.95):
    """Leave out numbers that only grow, or shrink, with time: later rows are beyond what the training rows show."""
    return Untrended(steady)


RECIPE = Recipe(
    kind="features",
    name="untrended",
    space={"steady": Real(0.5, 1.0)},
    portfolio=({}, {"steady": 0.7}),
    suits=lambda task: 0.95 if task.time else 0.0,
    cost=lambda task: 0.02 + 1e-7 * cells(task),
    last=True,
)
