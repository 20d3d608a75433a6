from __future__ import annotations

from skrub import ApplyToCols, DatetimeEncoder
from skrub import selectors as s

from mlestar.recipes.recipe import Recipe
from mlestar.recipes.space import Choice


def features(ctx, *, resolution="minute", periodic=None):
    """Replace every date by its calendar parts, down to `resolution`, and by its time since 1970 as a trend.

    `periodic="circular"` writes month, day, weekday and hour as points on a circle, so that December lies next to
    January, which linear models need.
    """
    calendar = DatetimeEncoder(
        resolution=resolution,
        add_weekday=True,
        add_day_of_year=True,
        add_total_seconds=True,
        periodic_encoding=periodic,
    )
    return ApplyToCols(calendar, cols=s.any_date())


RECIPE = Recipe(
    kind="features",
    name="dates",
    space={"resolution": Choice("minute", "hour", "day"), "periodic": Choice(None, "circular")},
    portfolio=({}, {"periodic": "circular"}),
    suits=lambda task: 3.0 if task.dates else 0.0,
    cost=lambda task: 0.02 + 1e-6 * task.rows * len(task.dates),
)
