"""The catalogue: every recipe of this folder, and those that installed distributions add.

A recipe joins by being a file ``<kind>_<name>.py`` here, or a module named in the entry-point group
``mlestar.recipes``. Files are read, not imported: only ``RECIPE`` and what it refers to is executed. So looking through
the catalogue imports no modelling library, and a recipe whose library is absent is listed with the reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlestar.digests import RECIPES_OF_OTHERS
from mlestar.errors import SolutionError
from mlestar.recipes.recipe import Recipe, Settings
from mlestar.recipes.space import Parameter
from mlestar.solution import KINDS, chain
from mlestar.solution.source import Module

if TYPE_CHECKING:
    from mlestar.data import Task

__all__ = ["catalogue", "find_recipe", "knows_recipe", "load_recipe", "null_recipe", "recipes_for"]

_PARTS = "mlestar.recipes.parts"
_NULLS = {"join": ("none",), "clean": ("minimal",), "encode": ("ordinal",), "model": ("logistic", "ridge")}


@cache
def catalogue() -> tuple[Recipe, ...]:
    """All recipes, those that cannot run here included, in the order of the kinds and of their names.

    Raises
    ------
    SolutionError
        When a file holds no recipe, or two recipes of a kind share a name.
    """
    recipes = sorted((load_recipe(path) for path in _files()), key=lambda each: (KINDS.index(each.kind), each.name))
    for key, group in groupby(recipes, key=lambda each: (each.kind, each.name)):
        if len(list(group)) > 1:
            raise SolutionError(f"recipe {key[0]}_{key[1]}: defined twice; give one of them another name")
    return tuple(recipes)


def load_recipe(path: Path) -> Recipe:
    """The recipe of a file, without importing what its block imports."""
    text = _with_parts(path.read_text(encoding="utf-8"))
    module = Module(text, str(path))
    if "RECIPE" not in module.definitions:
        raise SolutionError(f"{path}: no RECIPE; define RECIPE = Recipe(...) at the bottom of the file")
    namespace: dict[str, object] = {}
    exec(compile(module.cut_out("RECIPE"), str(path), "exec"), namespace)
    recipe = namespace["RECIPE"]
    if not isinstance(recipe, Recipe) or recipe.kind not in module.definitions:
        raise SolutionError(f"{path}: RECIPE must be a Recipe whose kind is the name of the block's function")
    roots = {each.module.split(".")[0] for each in module.imports_of(module.needs(recipe.kind))}
    absent = sorted(root for root in roots if find_spec(root) is None)
    reason = f"needs {absent[0]}, which is not installed" if absent else None
    return replace(recipe, text=text, unavailable=reason)


def _with_parts(text: str) -> str:
    """The text of a recipe with the shared parts in front of it, in place of their import."""
    lines = text.splitlines()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and node.module == _PARTS:
            parts = (Path(__file__).parent / "parts.py").read_text(encoding="utf-8")
            lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or 0) - node.lineno + 1)
            return parts + "\n\n\n" + "\n".join(lines) + "\n"
    return text


def recipes_for(kind: str, task: Task) -> list[Recipe]:
    """The recipes of a kind that can run here and suit the task, the most promising first."""
    found = [each for each in catalogue() if each.kind == kind and not each.unavailable and each.suits(task) > 0]
    return sorted(found, key=lambda each: (-each.suits(task), each.name))


def null_recipe(kind: str, task: Task) -> Recipe | None:
    """The simplest competent alternative for a block; None where leaving the block out is that."""
    return next((each for each in recipes_for(kind, task) if each.name in _NULLS.get(kind, ())), None)


def knows_recipe(kind: str, name: str) -> bool:
    """Whether :func:`find_recipe` finds it."""
    known = {each.name for each in catalogue() if each.kind == kind}
    return known.issuperset(name.split("+"))


@cache
def find_recipe(kind: str, name: str) -> Recipe:
    """The recipe of that kind and name; ``"a+b"`` is a, then b, as :func:`mlestar.solution.chain` makes it.

    Raises
    ------
    SolutionError
        When there is none.
    """
    known = {each.name: each for each in catalogue() if each.kind == kind}
    unknown = [part for part in name.split("+") if part not in known]
    if unknown:
        raise SolutionError(f"no {kind} recipe {unknown[0]!r}; there are {', '.join(known)}")
    parts = [known[part] for part in name.split("+")]
    return parts[0] if len(parts) == 1 else _chained(parts)


@dataclass(frozen=True)
class _Chain(Recipe):
    """Recipes in turn, each with the names that its parameters have in the chain."""

    parts: tuple[tuple[Recipe, Mapping[str, str]], ...] = ()

    def settings(self, task: Task) -> Settings:
        """The first settings of all."""
        return ({names[each]: value for part, names in self.parts for each, value in part.settings(task)[0].items()},)

    def seconds(self, task: Task, parameters: Mapping[str, Any]) -> float:
        """Those of all."""
        return sum(
            part.seconds(task, {each: parameters[name] for each, name in names.items() if name in parameters})
            for part, names in self.parts
        )


def _chained(recipes: Sequence[Recipe]) -> Recipe:
    space: dict[str, Parameter] = {}
    taken: set[str] = set()
    parts: list[tuple[Recipe, Mapping[str, str]]] = []
    for part in recipes:
        names = {each: each if each not in taken else f"{part.name}_{each}" for each in part.defaults}
        taken |= set(names.values())
        parts.append((part, names))
        space |= {names[each]: values for each, values in part.space.items()}
    return _Chain(
        kind=recipes[0].kind,
        name="+".join(part.name for part in recipes),
        space=space,
        suits=lambda task: min(part.suits(task) for part in recipes),
        cost=lambda task: sum(part.cost(task) for part in recipes),
        narrows=next((names[part.narrows] for part, names in parts if part.narrows), ""),
        text=chain([part.block() for part in recipes]).source,
        unavailable=next((part.unavailable for part in recipes if part.unavailable), None),
        parts=tuple(parts),
    )


def _files() -> Iterator[Path]:
    """The files of this folder that are named after a kind, then the modules that distributions name."""
    for path in sorted(Path(__file__).parent.glob("*_*.py")):
        if path.stem.split("_")[0] in KINDS:
            yield path
    for entry in entry_points(group=RECIPES_OF_OTHERS):
        specification = find_spec(entry.module)
        if specification is None or specification.origin is None:
            raise SolutionError(
                f"entry point {entry.name!r}: no module {entry.module}; mend or uninstall its distribution"
            )
        yield Path(specification.origin)
