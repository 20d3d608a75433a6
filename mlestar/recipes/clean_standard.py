from __future__ import annotations

from sklearn.pipeline import make_pipeline
from skrub import Cleaner

from mlestar.recipes.parts import TypedColumns
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice


def clean(ctx, *, drop_missing_above=1.0, drop_constant=True):
    """Tidy the table: what means "missing" becomes missing, numbers and dates written as text are read as such.

    Columns that say nothing in the training rows (one value, or none at all) are dropped, as are columns of which a
    larger part than `drop_missing_above` is missing.
    """
    return make_pipeline(
        Cleaner(drop_null_fraction=drop_missing_above, drop_if_constant=drop_constant, parse_numbers=True),
        TypedColumns(ctx.numeric, ctx.categorical, ctx.dates),
    )


RECIPE = Recipe(
    kind="clean",
    name="standard",
    space={"drop_missing_above": Choice(1.0, 0.95, 0.8), "drop_constant": Choice(True, False)},
    cost=lambda task: 0.02 + 1e-6 * cells(task),
)
