"""What holds for every recipe: its source stands alone, and its settings are those of its block."""

from __future__ import annotations

import ast
import importlib
import itertools
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

from mlestar.data.task import Column, Task, TaskType
from mlestar.recipes import Recipe, catalogue, find_recipe

RECIPES = {f"{recipe.kind}_{recipe.name}": recipe for recipe in catalogue()}
KINDS: tuple[TaskType, ...] = ("binary", "regression")
TASKS = [
    Task(
        name="sizes",
        type=kind,
        targets=("y",),
        metric="rmse" if kind == "regression" else "roc_auc",
        classes=() if kind == "regression" else (0, 1),
        columns=(Column(name="x", storage="number", role="numeric"),),
        rows=rows,
        splitter="kfold",
        folds=5,
    )
    for kind in KINDS
    for rows in (100, 3_000, 30_000, 1_000_000)
]
every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Breast cancer, some columns of it as categories, text and dates."""
    frame = load_breast_cancer(as_frame=True).frame.iloc[:250].drop(columns="target")
    frame = frame.iloc[:, :6].astype("float64")
    return frame.assign(
        size=pd.cut(frame["mean area"], 4, labels=["S", "M", "L", "XL"]),
        words=pd.array(
            [
                f"area {area:.0f} radius {radius:.0f}"
                for area, radius in zip(frame["mean area"], frame["mean radius"], strict=True)
            ],
            dtype="string",
        ),
        day=pd.Timestamp("2020-01-01") + pd.to_timedelta(frame["mean texture"], unit="D"),
    )


@pytest.fixture(scope="module")
def y() -> np.ndarray:
    return load_breast_cancer().target[:250]


def context(table: pd.DataFrame, recipe: Recipe) -> SimpleNamespace:
    regression = recipe.kind == "target" or recipe.name == "clip"
    return SimpleNamespace(
        task="regression" if regression else "binary",
        metric="rmse" if regression else "f1",
        classes=() if regression else ("malign", "benign"),
        targets=("diagnosis",),
        numeric=tuple(table.columns[:6]),
        categorical=("size",),
        text=("words",),
        dates=("day",),
        day_first=(),
        time="day",
        gap=0,
        seed=0,
        threads=1,
        tables={"sizes": pd.DataFrame({"rank": [1.0, 2.0]}, index=pd.Index(["S", "M"], name="size"))},
        lookups=(),
        keys=("size",),
    )


def results(block: Any, recipe: Recipe, table: pd.DataFrame, y: np.ndarray) -> np.ndarray:
    """What the fitted block makes of the table."""
    numbers = table.iloc[:, :6].to_numpy()
    if recipe.kind == "model":
        fitted = block.fit(numbers, y)
        return fitted.predict_proba(numbers) if hasattr(fitted, "predict_proba") else fitted.predict(numbers)
    if recipe.kind == "target":
        values = numbers[:, :1]
        return block.inverse_transform(block.fit_transform(values))
    if recipe.kind == "postprocess":
        predictions = numbers[:, 0] if recipe.name == "clip" else np.stack([1 - y * 0.3, y * 0.3], axis=1)
        return block.fit(predictions, y).predict(predictions)
    if recipe.kind == "combine":
        stack = np.stack([1 - y * 0.3, y * 0.3], axis=1)[:, None]
        return block.fit(stack, y).transform(stack)
    out = block.fit_transform(table, y)
    return np.asarray(out.toarray() if hasattr(out, "toarray") else out, dtype=object).astype("str")


def module_of(source: str, name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(source, module.__dict__)
    return module


@every_recipe
def test_source_alone_gives_the_same_results(
    recipe: Recipe, table: pd.DataFrame, y: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = context(table, recipe)
    written = importlib.import_module(f"mlestar.recipes.{recipe.kind}_{recipe.name}")
    cut_out = module_of(recipe.source(), "cut_out", monkeypatch)
    expected = results(getattr(written, recipe.kind)(ctx), recipe, table, y)
    assert np.array_equal(results(getattr(cut_out, recipe.kind)(ctx), recipe, table, y), expected)


@every_recipe
def test_source_is_only_what_the_block_needs(recipe: Recipe) -> None:
    source = recipe.source()
    assert all(word not in source for word in ("mlestar", "__future__", "RECIPE"))
    tree = ast.parse(source)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    bound = [
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    assert set(bound) <= used


@every_recipe
def test_block_explains_itself(recipe: Recipe) -> None:
    function = next(node for node in ast.parse(recipe.source()).body if getattr(node, "name", "") == recipe.kind)
    assert isinstance(function, ast.FunctionDef)
    assert len(ast.get_docstring(function) or "") > 30


@every_recipe
def test_settings_lie_in_the_space(recipe: Recipe) -> None:
    assert set(recipe.space) <= set(recipe.defaults)
    for setting in itertools.chain.from_iterable(recipe.settings(task) for task in TASKS):
        parameters = recipe.defaults | dict(setting)
        assert recipe.block(setting).parameters == parameters
        assert all(parameters[name] in values for name, values in recipe.space.items())


@every_recipe
def test_every_corner_of_the_space_is_a_block(recipe: Recipe) -> None:
    import optuna

    for seed in range(3):
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
        drawn = study.ask({name: each.distribution() for name, each in recipe.space.items()}).params
        assert recipe.block(drawn).parameters == recipe.defaults | drawn
        assert all(drawn[name] in values for name, values in recipe.space.items())


def test_helpers_of_one_name_are_one_text() -> None:
    """Recipes cannot share code, so what two of them hold in copy must stay the same."""
    texts: dict[str, set[str]] = {}
    for recipe in RECIPES.values():
        module = recipe.block().module
        for name in module.definitions:
            if name != recipe.kind:
                texts.setdefault(name, set()).add(module.text(name))
    assert {name: len(found) for name, found in texts.items() if len(found) > 1} == {}


def test_cost_grows_with_the_data() -> None:
    from mlestar.data.task import Column, Task

    small = Task(
        name="cost",
        type="regression",
        targets=("y",),
        metric="rmse",
        columns=tuple(Column(name=f"x{n}", storage="number", role="numeric") for n in range(10)),
        rows=1000,
        splitter="kfold",
        folds=5,
    )
    large = small.model_copy(update={"rows": 100_000})
    for recipe in RECIPES.values():
        assert 0 < recipe.cost(small) <= recipe.cost(large)
    assert find_recipe("model", "ridge").cost(large) < find_recipe("model", "catboost").cost(large)
