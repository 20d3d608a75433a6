from __future__ import annotations

from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.multioutput import MultiOutputRegressor

from mlestar.recipes.recipe import Recipe, cells, is_regression
from mlestar.recipes.space import Choice, Integer, Real


def model(
    ctx,
    *,
    n_estimators=400,
    learning_rate=0.03,
    num_leaves=8,
    min_child_samples=10,
    subsample=0.8,
    colsample_bytree=0.5,
    reg_lambda=1.0,
    path_smooth=0.0,
    cat_smooth=10.0,
    extra_trees=False,
):
    """LightGBM: gradient boosting of trees that grow leaf by leaf.

    Takes missing values, sparse matrices and pandas categories.
    """
    settings = dict(
        n_estimators=n_estimators,
        learning_rate=learning_rate,
        num_leaves=num_leaves,
        min_child_samples=min_child_samples,
        subsample=subsample,
        subsample_freq=1,
        colsample_bytree=colsample_bytree,
        reg_lambda=reg_lambda,
        path_smooth=path_smooth,
        extra_trees=extra_trees,
        random_state=ctx.seed,
        n_jobs=ctx.threads,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )
    if ctx.categorical:
        settings["cat_smooth"] = cat_smooth
    if ctx.task != "regression":
        return LGBMClassifier(**settings)
    objective = "regression_l1" if ctx.metric in ("mae", "mape") else "regression"
    if len(ctx.targets) > 1:
        return MultiOutputRegressor(LGBMRegressor(objective=objective, **settings))
    return LGBMRegressor(objective=objective, **settings)


def portfolio(task):
    """More leaves where there are more rows; larger models first for numbers, which are less noisy than classes."""
    leaves = 4 * 2 ** sum(task.rows >= each for each in (1_000, 6_000, 18_000))
    small = {"num_leaves": leaves}
    large = {"n_estimators": 600, "num_leaves": 2 * leaves, "min_child_samples": 5, "colsample_bytree": 0.7}
    return (
        *((large, small) if is_regression(task) else (small, large)),
        {"learning_rate": 0.06, "num_leaves": 4 * leaves, "colsample_bytree": 0.7, "extra_trees": True},
        {
            "n_estimators": 200,
            "learning_rate": 0.05,
            "num_leaves": 2 * leaves,
            "colsample_bytree": 0.4,
            "reg_lambda": 10.0,
        },
        {"n_estimators": 600, "learning_rate": 0.06, "num_leaves": 64, "subsample": 0.9, "colsample_bytree": 0.8},
    )


RECIPE = Recipe(
    kind="model",
    name="lightgbm",
    space={
        "n_estimators": Integer(50, 1500, log=True),
        "learning_rate": Real(0.01, 0.3, log=True),
        "num_leaves": Integer(4, 128, log=True),
        "min_child_samples": Integer(2, 200, log=True),
        "subsample": Real(0.5, 1.0),
        "colsample_bytree": Real(0.3, 1.0),
        "reg_lambda": Real(1e-3, 100.0, log=True),
        "path_smooth": Real(0.0, 20.0),
        "cat_smooth": Real(1.0, 200.0, log=True),
        "extra_trees": Choice(False, True),
    },
    portfolio=portfolio,
    suits=lambda task: 5.0,
    cost=lambda task: 0.1 + 2.7e-6 * cells(task) * max(1, len(task.classes) - 1) * task.outputs,
    grows={"n_estimators": 1.0, "num_leaves": 0.35},
    slower={"n_estimators": 2.0, "learning_rate": 0.5},
    encodes=("ordinal", "target"),
    family="boosting",
    threads=True,
    sparse=True,
)
