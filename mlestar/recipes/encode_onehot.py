from __future__ import annotations

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)
from skrub import SquashingScaler

from mlestar.recipes.parts import CATEGORIES, DATES, NUMBERS, TEXTS, CategoryNumbers, as_days, as_lengths, filled
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice


def scalers(scaling, seed):
    """The steps that bring numbers to one scale."""
    return {
        "standard": [StandardScaler()],
        "squash": [SquashingScaler()],
        "quantile": [QuantileTransformer(n_quantiles=100, output_distribution="normal", random_state=seed)],
        "spline": [
            QuantileTransformer(n_quantiles=100, random_state=seed),
            SplineTransformer(n_knots=6, degree=3, include_bias=False),
        ],
    }[scaling]


def encode(ctx, *, scaling="standard", rare_below=5, most=100):
    """One column per category, and numbers on one scale without gaps: what linear models need.

    `scaling` is "standard", "squash" (standard, with outliers drawn in), "quantile" (to a normal distribution) or
    "spline" (smooth curves of each number).
    """
    numbers = filled(*scalers(scaling, ctx.seed))
    steps = [("numbers", numbers, NUMBERS)]
    if ctx.categorical:
        # The `most` frequent, seen at least `rare_below` times, get a column; the others, and the unseen, share one.
        columns = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=rare_below, max_categories=most)
        steps.append(("categories", make_pipeline(CategoryNumbers(unseen=-1), columns), CATEGORIES))
    if ctx.dates:
        steps.append(("dates", make_pipeline(FunctionTransformer(as_days), numbers), DATES))
    if ctx.text:
        steps.append(("texts", make_pipeline(FunctionTransformer(as_lengths), numbers), TEXTS))
    return ColumnTransformer(steps)


RECIPE = Recipe(
    kind="encode",
    name="onehot",
    space={
        "scaling": Choice("standard", "squash", "quantile", "spline"),
        "rare_below": Choice(1, 5, 20),
        "most": Choice(20, 100),
    },
    portfolio=({"scaling": "spline"}, {}, {"scaling": "quantile"}),
    suits=lambda task: 1.5,
    cost=lambda task: 0.05 + 5e-7 * cells(task),
    families=("linear", "boosting", "trees"),
    sparse=True,
)
