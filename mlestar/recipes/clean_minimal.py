from __future__ import annotations

from mlestar.recipes.parts import TypedColumns
from mlestar.recipes.recipe import Recipe, cells


def clean(ctx):
    """Read numbers and dates that are written as text, and turn infinities into missing values."""
    return TypedColumns(ctx.numeric, ctx.categorical, ctx.dates, ctx.day_first)


RECIPE = Recipe(
    kind="clean",
    name="minimal",
    suits=lambda task: 0.5,
    cost=lambda task: 0.02 + 1e-7 * cells(task) + 3e-4 * len(task.features),
)
