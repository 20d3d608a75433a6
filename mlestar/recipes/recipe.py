"""A recipe: a block of the embedded catalogue, and what a search needs to know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

from mlestar.recipes.space import Parameter
from mlestar.solution import Block
from mlestar.solution.source import Module

if TYPE_CHECKING:
    from mlestar.data import Task

__all__ = ["Recipe", "Settings", "cells", "is_large", "is_long", "is_regression", "wants_boosting"]


Settings: TypeAlias = tuple[Mapping[str, Any], ...]
_LARGE = 150_000
_MANY = 8_000  # rows
_LONG = 2e6  # characters
_ROLES = ("numeric", "categorical", "text", "dates")


def cells(task: Task) -> int:
    """Rows times the columns that a model may see: what most costs grow with."""
    return task.rows * max(1, sum(len(getattr(task, role)) for role in _ROLES))


def is_large(task: Task) -> bool:
    """Whether a model has to be quick to be among the first: there are so many rows that others take minutes."""
    return task.rows > _LARGE


def wants_boosting(task: Task) -> bool:
    """Whether there are so many rows, yet not too many, and no texts: boosting then learns more in a second."""
    return _MANY <= task.rows <= _LARGE and not task.text


def is_long(task: Task) -> bool:
    """Whether there is so much prose that looking at all of its sequences of characters takes seconds."""
    return task.characters > _LONG


def is_regression(task: Task) -> bool:
    return task.type == "regression"


@dataclass(frozen=True)
class Recipe:
    """A block with its search space.

    It stands as ``RECIPE`` at the bottom of a file that defines the block as an ordinary function, named ``kind``.

    Parameters
    ----------
    kind : str
        The kind of block, such as ``"model"``.
    name : str
        Unique within the kind; a valid identifier.
    space : {parameter: Integer, Real or Choice}
        What a search may change; the block's own defaults are the place to start from.
    portfolio : tuple of {parameter: value}, or callable(task) that gives one
        Settings that are good first tries on an unseen task, the most promising first; what a setting leaves out keeps
        the block's default.
    suits : callable(task) -> float
        How promising the recipe is for a task, from 0 (cannot be used, or is pointless) up.
    cost : callable(task) -> float
        Relative seconds that fitting it takes on all rows of a task, one core; used where no measured time may be.
    grows : {parameter: exponent or callable(value) -> float}
        What the seconds go with, by the default's: a power of a parameter (1 for iterations), or this of its value.
    slower : {parameter: factor}
        Of ``model``: what makes it learn in more and smaller steps, which takes longer and is rarely worse.
    family : str
        Of ``model``: models of one family want their input alike (``"boosting"``, ``"trees"``, ``"linear"``).
    families : tuple of str
        Of ``encode``: the families of models that it is made for; all of them when empty.
    encodes : tuple of str or (str, {parameter: value})
        Of ``model``: names of the ``encode`` recipes that go best with it, some with a setting that does; its own
        settings start with them in turn.
    excludes : tuple of str
        Names of recipes, as ``<kind>_<name>``, that have no purpose beside this one.
    sparse : bool
        Of ``encode``: may give a sparse matrix. Of ``model``: accepts one.
    narrows : str
        Of ``features``: the parameter that says how many of the numeric columns it keeps.
    last : bool
        Of ``features``: comes after the others of a chain, which may need the columns that it leaves out.
    threads : bool
        Of ``model``: its fit uses ``ctx.threads``, or those of OpenMP, and comes to the same with any number of them.
    text : str
        Source of the file; filled in by the catalogue.
    unavailable : str or None
        Why the recipe cannot run here; filled in by the catalogue.
    """

    kind: str
    name: str
    space: Mapping[str, Parameter] = field(default_factory=dict)
    portfolio: Settings | Callable[[Task], Settings] = ({},)
    suits: Callable[[Task], float] = lambda task: 1.0
    cost: Callable[[Task], float] = lambda task: 0.02 + 1e-7 * cells(task)
    grows: Mapping[str, float | Callable[[Any], float]] = field(default_factory=dict)
    slower: Mapping[str, float] = field(default_factory=dict)
    family: str = ""
    families: tuple[str, ...] = ()
    encodes: tuple[str | tuple[str, Mapping[str, Any]], ...] = ()
    excludes: tuple[str, ...] = ()
    sparse: bool = False
    narrows: str = ""
    last: bool = False
    threads: bool = False
    text: str = field(default="", repr=False)
    unavailable: str | None = None

    def source(self) -> str:
        """The block cut out of its file: the function with the imports and the helpers that it needs, nothing else."""
        return Module(self.text, f"recipe {self.kind}_{self.name}").cut_out(self.kind)

    def block(self, parameters: Mapping[str, Any] | None = None, *, task: Task | None = None) -> Block:
        """The block with these parameters; given a task, without what it would do for other kinds of task."""
        block = self._block.with_parameters(parameters) if parameters else self._block
        return block.specialised(_known(task)) if task else block

    def settings(self, task: Task) -> Settings:
        """The settings of the portfolio for a task, the most promising first."""
        return self.portfolio(task) if callable(self.portfolio) else self.portfolio

    def seconds(self, task: Task, parameters: Mapping[str, Any]) -> float:
        """The relative seconds that it takes with these parameters."""
        factors = [
            growth(parameters[name]) / growth(self.defaults[name])
            if callable(growth)
            else (parameters[name] / self.defaults[name]) ** growth
            for name, growth in self.grows.items()
            if name in parameters
        ]
        return float(self.cost(task) * prod(factors))

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters of the block with their default values."""
        return dict(self._block.parameters)

    @cached_property
    def _block(self) -> Block:
        return Block(self.kind, self.source(), self.name)


def _known(task: Task) -> dict[str, Any]:
    """The fields of ``ctx`` that a task fixes, whatever the seed and the machine."""
    same = {
        name: getattr(task, name) for name in ("metric", "classes", "targets", *_ROLES, "time", "group", "splitter")
    }
    return {"task": task.type, **same}
