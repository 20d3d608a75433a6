from __future__ import annotations

import warnings

from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlestar.recipes.parts import Scaled
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice, Integer, Real


class FixedEpochs:
    """As many passes over the rows as it was given, which scikit-learn would take for a failure to converge."""

    def fit(self, X, y):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return super().fit(X, y)


class Classifier(FixedEpochs, MLPClassifier):
    pass


class Regressor(FixedEpochs, MLPRegressor):
    pass


def model(
    ctx,
    *,
    width=96,
    layers=2,
    decay=1.0,
    learning_rate=0.002,
    epochs=20,
    batch=128,
):
    """A multilayer perceptron: neurons in `layers` layers, trained for a fixed number of passes over the rows."""
    settings = dict(
        hidden_layer_sizes=(width,) * layers,
        alpha=decay,
        learning_rate_init=learning_rate,
        max_iter=epochs,
        batch_size=batch,
        n_iter_no_change=epochs,
        random_state=ctx.seed,
    )
    if ctx.task != "regression":
        return make_pipeline(Scaled(), Classifier(**settings))
    network = TransformedTargetRegressor(Regressor(**settings), transformer=StandardScaler())
    return make_pipeline(Scaled(), network)


RECIPE = Recipe(
    kind="model",
    name="mlp",
    space={
        "width": Integer(16, 256, log=True),
        "layers": Integer(1, 3),
        "decay": Real(1e-4, 10.0, log=True),
        "learning_rate": Real(5e-4, 1e-2, log=True),
        "epochs": Integer(10, 100, log=True),
        "batch": Choice(64, 128, 256),
    },
    portfolio=({}, {"decay": 0.01, "epochs": 40}, {"decay": 0.1, "width": 32, "layers": 1, "epochs": 60}),
    suits=lambda task: 0.0 if task.text else 3.2,
    cost=lambda task: 0.3 + 8e-5 * task.rows + 1e-6 * cells(task),
    encodes=(("onehot", {"scaling": "quantile"}),),
    family="linear",
    sparse=True,
)
