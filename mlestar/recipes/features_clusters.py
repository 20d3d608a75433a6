from __future__ import annotations

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import MiniBatchKMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from mlestar.recipes.parts import NUMBERS, filled
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Integer


class ClusterDistances(TransformerMixin, BaseEstimator):
    """Adds the distances of a row's numbers, as ranks, to the centres of clusters of the training rows."""

    def __init__(self, clusters, seed):
        self.clusters = clusters
        self.seed = seed

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        self.columns_ = NUMBERS(X)
        if self.columns_:
            ranks = filled(QuantileTransformer(n_quantiles=100, random_state=self.seed))
            clusters = MiniBatchKMeans(min(self.clusters, len(X)), n_init=1, random_state=self.seed)
            self.distances_ = make_pipeline(ranks, clusters).fit(X[self.columns_])
        return self

    def transform(self, X):
        if not self.columns_:
            return X
        distances = self.distances_.transform(X[self.columns_])
        names = [f"distance to cluster {number + 1}" for number in range(distances.shape[1])]
        return pd.concat([X, pd.DataFrame(distances, columns=names, index=X.index)], axis=1)


def features(ctx, *, clusters=8):
    """Add the distances to the centres of k-means clusters of the numbers."""
    return ClusterDistances(clusters, ctx.seed)


RECIPE = Recipe(
    kind="features",
    name="clusters",
    space={"clusters": Integer(3, 30, log=True)},
    suits=lambda task: 0.6 if len(task.numeric) > 1 else 0.0,
    cost=lambda task: 0.1 + 2e-6 * cells(task),
)
