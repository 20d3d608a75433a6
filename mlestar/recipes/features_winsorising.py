from __future__ import annotations

from sklearn.base import BaseEstimator, TransformerMixin

from mlestar.recipes.parts import NUMBERS
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Real


class Winsorised(TransformerMixin, BaseEstimator):
    """Numbers no further out than all but a `share` of the training rows on either side."""

    def __init__(self, share):
        self.share = share

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        self.columns_ = NUMBERS(X)
        if self.columns_:
            self.low_, self.high_ = X[self.columns_].quantile([self.share, 1 - self.share]).to_numpy()
        return self

    def transform(self, X):
        X = X.copy(deep=False)
        if self.columns_:
            X[self.columns_] = X[self.columns_].clip(self.low_, self.high_, axis=1)
        return X


def features(ctx, *, share=0.005):
    """Draw outliers in: numbers beyond the `share` smallest and largest of the training rows become these."""
    return Winsorised(share)


RECIPE = Recipe(
    kind="features",
    name="winsorising",
    space={"share": Real(0.001, 0.05, log=True)},
    suits=lambda task: 0.5 if task.numeric else 0.0,
    cost=lambda task: 0.02 + 1e-7 * cells(task),
)
