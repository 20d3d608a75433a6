"""Programs made of recipes."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from mlestar.data.task import Task
from mlestar.recipes import find_recipe
from mlestar.solution import Solution, render


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """What the harness sets for a worker: OpenMP's threads would fight with those of the other tests."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def program_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Solution, Task], ModuleType]:
    """``program_of(solution, task)``: the rendered program as a module."""
    numbers = itertools.count()

    def load(solution: Solution, task: Task) -> ModuleType:
        path = tmp_path / f"solution_{next(numbers)}.py"
        path.write_text(render(solution, task), encoding="utf-8")
        specification = importlib.util.spec_from_file_location("solution", path)
        assert specification is not None and specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        monkeypatch.setitem(sys.modules, "solution", module)
        specification.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def program(program_of: Callable[[Solution, Task], ModuleType]) -> Callable[..., ModuleType]:
    """``program(task, model="lightgbm", encode="ordinal", ...)``: the program made of these recipes."""

    def make(task: Task, **recipes: str | tuple[str, Mapping[str, Any]]) -> ModuleType:
        chosen = {"clean": "standard", "encode": "ordinal"} | recipes
        pairs = {kind: (each, {}) if isinstance(each, str) else each for kind, each in chosen.items()}
        blocks = {
            kind: find_recipe(kind, name).block(parameters, task=task) for kind, (name, parameters) in pairs.items()
        }
        return program_of(Solution.of(blocks), task)

    return make
