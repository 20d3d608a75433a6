from __future__ import annotations

from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer

from mlestar.recipes.parts import CATEGORIES, DATES, NUMBERS, TEXTS, CategoryNumbers, as_days, as_lengths
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice


def encode(ctx, *, rare_below=1):
    """Number the categories in their natural order; numbers stay as they are.

    Missing and unseen categories are NaN, which tree models handle themselves. Categories seen fewer than
    `rare_below` times share one number.
    """
    steps = [("numbers", "passthrough", NUMBERS)]
    if ctx.categorical:
        steps.append(("categories", CategoryNumbers(rare_below), CATEGORIES))
    if ctx.dates:
        steps.append(("dates", FunctionTransformer(as_days), DATES))
    if ctx.text:
        steps.append(("texts", FunctionTransformer(as_lengths), TEXTS))
    return ColumnTransformer(steps)


RECIPE = Recipe(
    kind="encode",
    name="ordinal",
    space={"rare_below": Choice(1, 3, 10)},
    suits=lambda task: 2.0,
    cost=lambda task: 0.02 + 1e-7 * cells(task),
    families=("boosting", "trees"),
)
