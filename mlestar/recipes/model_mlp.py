from __future__ import annotations

import warnings

from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlestar.recipes.parts import Scaled
from mlestar.recipes.recipe import Recipe, cells, is_large, wants_boosting
from mlestar.recipes.space import Choice, Integer, Real

PHASES = ((0.6, 1.0), (0.25, 0.25), (0.15, 0.06))  # shares of the epochs, and of the learning rate


class Settling:
    """About as many passes over the rows as it was given, the later ones with smaller steps.

    Steps of one size go round the minimum in the end. scikit-learn would take a fixed number of passes for a failure
    to converge.
    """

    def fit(self, X, y):
        given = self.get_params()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            for number, (epochs, rate) in enumerate(PHASES):
                self.set_params(
                    max_iter=max(1, round(epochs * given["max_iter"])),
                    learning_rate_init=rate * given["learning_rate_init"],
                    warm_start=number > 0,
                )
                super().fit(X, y)
        return self.set_params(**given)


class Classifier(Settling, MLPClassifier):
    pass


class Regressor(Settling, MLPRegressor):
    pass


def model(
    ctx,
    *,
    width=96,
    layers=2,
    decay=1.0,
    learning_rate=0.006,
    epochs=20,
    batch=128,
    networks=2,
):
    """The mean of multilayer perceptrons that start from other weights.

    Each has neurons in `layers` layers, and is trained for a fixed number of passes over the rows, with smaller steps
    towards the end.
    """
    settings = dict(
        hidden_layer_sizes=(width,) * layers,
        alpha=decay,
        learning_rate_init=learning_rate,
        max_iter=epochs,
        batch_size=batch,
        n_iter_no_change=epochs,
    )
    starts = dict(n_estimators=networks, bootstrap=False, random_state=ctx.seed)
    if ctx.task != "regression":
        return make_pipeline(Scaled(), BaggingClassifier(Classifier(**settings), **starts))
    mean = BaggingRegressor(Regressor(**settings), **starts)
    return make_pipeline(Scaled(), TransformedTargetRegressor(mean, transformer=StandardScaler()))


def _category_columns(task):
    """Into which categories are encoded; of more than 20 in a column, most are rare and share one."""
    return sum(min(column.unique, 20) for column in task.columns if column.role == "categorical")


RECIPE = Recipe(
    kind="model",
    name="mlp",
    space={
        "width": Integer(16, 256, log=True),
        "layers": Integer(1, 3),
        "decay": Real(1e-4, 10.0, log=True),
        "learning_rate": Real(5e-4, 2e-2, log=True),
        "epochs": Integer(10, 100, log=True),
        "batch": Choice(64, 128, 256),
        "networks": Integer(1, 8),
    },
    portfolio=(
        {},
        {"decay": 0.5, "learning_rate": 0.002, "epochs": 40},
        {"decay": 0.1, "learning_rate": 0.002, "epochs": 60},
    ),
    suits=lambda task: 0.0 if task.text else 1.0 if is_large(task) else 2.0 if wants_boosting(task) else 3.2,
    cost=lambda task: 0.3 + 1.6e-4 * task.rows * (1 + _category_columns(task) / 100) + 2e-6 * cells(task),
    grows={"networks": 1.0, "epochs": 1.0, "width": 0.5, "layers": 0.7, "batch": -0.5},
    encodes=(("onehot", {"scaling": "quantile"}), ("onehot", {"scaling": "spline"})),
    family="linear",
    sparse=True,
)
