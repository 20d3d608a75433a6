from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from mlestar.recipes.parts import places
from mlestar.recipes.recipe import Recipe
from mlestar.recipes.space import Integer

DEGREE = np.pi / 180 * 6371.0  # kilometres from one parallel to the next


class Geography(TransformerMixin, BaseEstimator):
    """Adds coordinates along turned axes of every place, and distances in kilometres from place to place.

    A tree splits along axes; a coast or a street seldom follows those of the map.
    """

    def __init__(self, places, turns):
        self.places = places
        self.turns = turns

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        self.places_ = [place for place in self.places if set(place) <= set(X)]
        latitudes = [X[latitude].mean() for latitude, _ in self.places_] or [0.0]
        self.shrink_ = float(np.cos(np.radians(np.nan_to_num(np.mean(latitudes)))))  # of a degree of longitude
        return self

    def transform(self, X):
        added, north, east = {}, {}, {}
        for place in self.places_:
            north[place], east[place] = X[place[0]] * DEGREE, X[place[1]] * DEGREE * self.shrink_
            for turn in range(1, self.turns + 1):
                angle = np.pi * turn / (self.turns + 1)
                along = north[place] * np.cos(angle) + east[place] * np.sin(angle)
                added[f"{place[0]} turned {np.degrees(angle):.0f}"] = along
        for a, b in combinations(self.places_, 2):
            apart = north[b] - north[a], east[b] - east[a]
            added[f"{a[0]} to {b[0]} north"], added[f"{a[0]} to {b[0]} east"] = apart
            added[f"{a[0]} to {b[0]} straight"] = np.hypot(*apart)
            added[f"{a[0]} to {b[0]} by blocks"] = abs(apart[0]) + abs(apart[1])
        return pd.concat([X, pd.DataFrame(added, index=X.index)], axis=1)


def features(ctx, *, turns=3):
    """Add, for latitudes and longitudes, coordinates along `turns` turned axes, and distances in kilometres."""
    return Geography(places(ctx.numeric), turns)


RECIPE = Recipe(
    kind="features",
    name="geography",
    space={"turns": Integer(1, 5)},
    suits=lambda task: 2.0 if places(task.numeric) else 0.0,
    cost=lambda task: 0.02 + 1e-6 * task.rows,
)
