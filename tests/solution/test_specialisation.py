"""Blocks written for one task: shorter, and the same in what they do."""

from __future__ import annotations

import ast
import re

import pytest

from mlestar.data.task import Column, Task
from mlestar.recipes import catalogue
from mlestar.solution.specialisation import specialised, without_unused_parameters

KNOWN = {"task": "regression", "metric": "rmse", "targets": ("y",), "text": ()}


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("def f(ctx):\n    return 1 if ctx.task == 'binary' else 2\n", "def f(ctx):\n    return 2\n"),
        ("def f(ctx):\n    if ctx.text:\n        return 1\n    return 2\n", "def f(ctx):\n    return 2\n"),
        (
            "def f(ctx):\n    if ctx.task != 'binary':\n        # why\n        return 1\n    return 2\n",
            "def f(ctx):\n    # why\n    return 1\n",
        ),
        (
            "def f(ctx):\n    if ctx.metric == 'f1':\n        x = 1\n    elif ctx.metric == 'rmse':\n        x = 2\n"
            "    else:\n        x = 3\n    return x\n",
            "def f(ctx):\n    x = 2\n    return x\n",
        ),
        (
            "def f(ctx):\n    return [len(ctx.targets), 1 if len(ctx.targets) > 1 else 2]\n",
            "def f(ctx):\n    return [len(ctx.targets), 2]\n",
        ),
    ],
)
def test_what_is_known_is_decided(source: str, left: str) -> None:
    assert specialised(source, KNOWN) == left


@pytest.mark.parametrize(
    "source",
    [
        "def f(ctx, *, n=1):\n    return 1 if n > 1 and ctx.text else 2\n",
        "def f(ctx):\n    return 1 if ctx.seed else 2\n",
        "def f(ctx):\n    if ctx.text: return 1\n    return 2\n",
        "def f(ctx):\n    if ctx.text:\n        return '''a\nb'''\n    return 2\n",
    ],
)
def test_what_is_not_known_stays(source: str) -> None:
    assert specialised(source, KNOWN) == source


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_no_recipe_asks_for_the_kind_of_task_in_a_program(kind: str) -> None:
    task = Task(
        name="example",
        type=kind,
        targets=("y",),
        metric="rmse" if kind == "regression" else "f1_macro",
        classes={"binary": (0, 1), "multiclass": (0, 1, 2)}.get(kind, ()),
        columns=(Column(name="x", storage="number", role="numeric"), Column(name="y", storage="number", role="target")),
        rows=100,
        splitter="kfold",
        folds=3,
    )
    for recipe in catalogue():
        block = recipe.block(task=task)
        assert block.parameters.items() <= recipe.defaults.items()
        assert "if ctx." not in block.source
        arguments = ast.parse(block.source).body[-1].args.kwonlyargs  # type: ignore[attr-defined]
        assert all(block.source.count(each.arg) > 1 for each in arguments), "a parameter that nothing reads"
        named = set(re.findall(r"`(\w+)", ast.get_docstring(ast.parse(block.source).body[-1]) or ""))  # type: ignore[arg-type]
        assert named & recipe.defaults.keys() <= {each.arg for each in arguments}, "words on a parameter that is gone"


def test_parameters_without_a_meaning_for_the_task_are_gone() -> None:
    source = 'def f(ctx, *, n=1, names=(\'a\', \'b\')):\n    """Words."""\n    return n if ctx.text else 2\n'
    assert without_unused_parameters(source, "f") == source.replace(", names=('a', 'b')", "")
    assert without_unused_parameters(specialised(source, KNOWN), "f").startswith("def f(ctx):\n")
    told = source.replace("Words.", "Words.\n\n    Up to `n`. Some\n    others, `m` of them.\n    ")
    found = without_unused_parameters(specialised(told, KNOWN), "f")
    assert found == 'def f(ctx):\n    """Words.\n\n    Some others, `m` of them.\n    """\n    return 2\n'
