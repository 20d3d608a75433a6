from __future__ import annotations

from sklearn.compose import ColumnTransformer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, TargetEncoder

from mlestar.recipes.parts import CATEGORIES, DATES, NUMBERS, TEXTS, CategoryNumbers, as_days, as_lengths
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice


def encode(ctx, *, smooth="auto", keep_codes=True):
    """Replace every category by the mean of the target over its rows, shrunk towards the overall mean.

    The training rows are encoded by cross-fitting, so that no row sees its own target. `keep_codes` adds the
    categories' numbers as well; missing and unseen ones are NaN there.
    """
    if ctx.task == "regression":
        folds = KFold(5, shuffle=True, random_state=ctx.seed)
        means = TargetEncoder(target_type="continuous", smooth=smooth, cv=folds)
    else:  # "auto": training rows may hold two classes of more
        folds = StratifiedKFold(5, shuffle=True, random_state=ctx.seed)
        means = TargetEncoder(target_type="auto", smooth=smooth, cv=folds)
    steps = [
        ("numbers", "passthrough", NUMBERS),
        ("means", make_pipeline(CategoryNumbers(unseen=-1), means), CATEGORIES),
    ]
    if keep_codes:
        steps.append(("numbers of categories", CategoryNumbers(), CATEGORIES))
    if ctx.dates:
        steps.append(("dates", FunctionTransformer(as_days), DATES))
    if ctx.text:
        steps.append(("texts", FunctionTransformer(as_lengths), TEXTS))
    return ColumnTransformer(steps)


RECIPE = Recipe(
    kind="encode",
    name="target",
    space={"smooth": Choice("auto", 1.0, 10.0, 100.0), "keep_codes": Choice(True, False)},
    suits=lambda task: 2.5 if task.categorical and task.outputs == 1 else 0.0,
    cost=lambda task: 0.05 + 1e-6 * cells(task),
    families=("boosting", "trees"),
)
