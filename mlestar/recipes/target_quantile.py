from __future__ import annotations

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import QuantileTransformer

from mlestar.recipes.recipe import Recipe, is_regression


class NormalTarget(TransformerMixin, BaseEstimator):
    """The target by its quantiles, as those of a normal distribution; the inverse stays within the training range."""

    def __init__(self, seed):
        self.seed = seed

    def fit(self, y):
        self.quantiles_ = QuantileTransformer(
            n_quantiles=min(1000, len(y)), output_distribution="normal", random_state=self.seed
        ).fit(y.reshape(len(y), -1))
        return self

    def transform(self, y):
        return self.quantiles_.transform(y.reshape(len(y), -1)).reshape(y.shape).clip(-4, 4)

    def inverse_transform(self, normal):
        return self.quantiles_.inverse_transform(normal.reshape(len(normal), -1)).reshape(normal.shape)


def target(ctx):
    """Learn the quantiles of the target, as those of a normal distribution: for skewed targets and outliers."""
    return NormalTarget(ctx.seed)


RECIPE = Recipe(
    kind="target",
    name="quantile",
    suits=lambda task: is_regression(task) * (0.8 if task.metric in ("mae", "mape", "rmsle") else 0.0),
)
