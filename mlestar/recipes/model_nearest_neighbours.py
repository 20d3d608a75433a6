from __future__ import annotations

from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline

from mlestar.recipes.parts import Scaled
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice, Integer


class Nearest:
    """Nearest neighbours that make do with fewer where there are fewer rows."""

    def fit(self, X, y):
        self.n_neighbors = min(self.n_neighbors, X.shape[0])
        return super().fit(X, y)


class NearestClassifier(Nearest, KNeighborsClassifier):
    pass


class NearestRegressor(Nearest, KNeighborsRegressor):
    pass


def model(ctx, *, neighbours=20, weights="distance"):
    """The mean of the training rows that are nearest, after scaling."""
    estimator = NearestRegressor if ctx.task == "regression" else NearestClassifier
    return make_pipeline(Scaled(), estimator(n_neighbors=neighbours, weights=weights))


RECIPE = Recipe(
    kind="model",
    name="nearest_neighbours",
    space={"neighbours": Integer(3, 100, log=True), "weights": Choice("distance", "uniform")},
    portfolio=({}, {"neighbours": 7}, {"neighbours": 60}),
    suits=lambda task: 0.0 if task.text else 0.6 if task.rows < 20_000 else 0.3,
    cost=lambda task: 0.1 + 1e-9 * task.rows * cells(task),
    encodes=(("onehot", {"scaling": "quantile"}),),
    family="linear",
    sparse=True,
)
