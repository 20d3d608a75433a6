"""The block library: what shipped, with what its task was like; searches of related tasks start from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, log10
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from mlestar.data import Task
from mlestar.digests import digest
from mlestar.errors import DataError, SolutionError
from mlestar.files import SCHEMA_VERSION
from mlestar.solution import Block, Solution, read_program
from mlestar.storage import Storage

__all__ = ["Start", "earlier", "publish", "related"]

_MOST_ENTRIES = 3  # that a search starts from
_MOST_MEMBERS = 6  # of an entry
_RELATED = 2.0  # the largest distance of tasks that have something to tell each other
_ROLES = ("numeric", "categorical", "text", "dates")
_REMEDY = "see that it is there, or name another as pipeline.{}"


class _Source(BaseModel):
    """A block."""

    name: str
    source: str


class Start(BaseModel):
    """A solution of one model that a search may start from: its blocks, by kind."""

    name: str
    blocks: dict[str, _Source]

    @classmethod
    def of(cls, name: str, member: Mapping[str, Block]) -> Start:
        """A member of a solution."""
        return cls(
            name=name,
            blocks={kind: _Source(name=block.name, source=block.source) for kind, block in member.items()},
        )

    def read(self) -> dict[str, Block]:
        """The blocks.

        Raises
        ------
        SolutionError
            When the source of one breaks the contract.
        """
        return {kind: Block(kind, each.source, each.name) for kind, each in self.blocks.items()}


class _Traits(BaseModel):
    """What a task is like."""

    type: str
    metric: str
    splitter: str
    classes: int
    rows: int = Field(gt=0)
    columns: int = Field(gt=0)
    shares: dict[str, float]

    @classmethod
    def of(cls, task: Task) -> _Traits:
        columns = len(task.features)
        return cls(
            type=task.type,
            metric=task.metric,
            splitter=task.splitter,
            classes=len(task.classes),
            rows=task.rows,
            columns=columns,
            shares={role: len(getattr(task, role)) / columns for role in _ROLES},
        )

    def distance(self, other: _Traits) -> float:
        """How unlike two tasks are: orders of magnitude of their sizes, and what their columns are."""
        if (self.type == "regression") != (other.type == "regression"):
            return inf
        if (self.shares.get("text", 0.0) > 0) != (other.shares.get("text", 0.0) > 0):
            return inf
        sizes = [abs(log10(getattr(self, name) / getattr(other, name))) for name in ("rows", "columns")]
        shares = sum(abs(self.shares.get(role, 0.0) - other.shares.get(role, 0.0)) for role in _ROLES)
        differing = [getattr(self, name) != getattr(other, name) for name in ("type", "metric", "splitter")]
        return sum(sizes) + shares + 0.25 * sum(differing)


class _Entry(BaseModel):
    """What a file of the library holds."""

    schema_version: Literal[1]
    task: str
    traits: _Traits
    score: float
    plain_score: float | None
    members: list[Start]


def publish(
    uri: str, shipped: Solution, others: Sequence[Solution], task: Task, *, score: float, plain_score: float | None
) -> None:
    """Add what shipped to a library, and the best solution of every other model.

    Parameters
    ----------
    uri : str
        Folder or bucket.
    shipped : Solution
    others : sequence of Solution
        What else was tried, of one member each, the best first.
    task : Task
    score, plain_score : float
        Of the judged model and of the plain baseline on the holdout.

    Raises
    ------
    StorageError
        When the library cannot be reached.
    """
    members = list(shipped.members)
    for each in others:
        if each.members[0]["model"].name not in [member["model"].name for member in members]:
            members.append(each.members[0])
    entry = _Entry(
        schema_version=SCHEMA_VERSION,
        task=task.name,
        traits=_Traits.of(task),
        score=score,
        plain_score=plain_score,
        members=[Start.of(", ".join(block.name for block in each.values()), each) for each in members[:_MOST_MEMBERS]],
    )
    content = entry.model_dump_json(indent=1)
    _library(uri).write(f"{task.name}-{digest(content)[:12]}.json", content.encode())


def related(uri: str, task: Task) -> tuple[list[Start], list[str]]:
    """What shipped for the tasks of a library that are most like this one, the nearest first.

    Returns
    -------
    list of Start
    list of str
        Names of files that hold no entry, or one of another version, or with blocks that break the contract.

    Raises
    ------
    StorageError
        When the library cannot be reached.
    """
    library, traits = _library(uri), _Traits.of(task)
    found: list[tuple[float, str, _Entry]] = []
    foreign = []
    for name in library.names():
        if not name.endswith(".json"):
            continue
        try:
            entry = _Entry.model_validate_json(library.read(name) or b"")
            for start in entry.members:
                start.read()
        except (ValidationError, SolutionError, SyntaxError):
            foreign.append(name)
            continue
        if (distance := entry.traits.distance(traits)) <= _RELATED:
            found.append((distance, name, entry))
    nearest = [entry for _, _, entry in sorted(found, key=lambda each: each[:2])][:_MOST_ENTRIES]
    starts = [Start(name=f"library: {entry.task}", blocks=each.blocks) for entry in nearest for each in entry.members]
    return starts, foreign


def earlier(uri: str) -> list[Start]:
    """The members of what an earlier run shipped: of a folder that has ``solution.py``, or of that file.

    Raises
    ------
    DataError
        When there is no such program.
    StorageError
        When it cannot be reached.
    """
    folder, _, name = uri.rpartition("/")
    if not name.endswith(".py"):
        folder, name = uri, "solution.py"
    content = Storage(folder or ".", what="the earlier run", remedy=_REMEDY.format("warm_start")).read(name)
    if content is None:
        raise DataError(f"pipeline.warm_start: {uri} holds no solution.py; name the folder of a run that has ended")
    try:
        solution = read_program(content.decode())
    except (SolutionError, SyntaxError, UnicodeDecodeError) as error:
        raise DataError(f"pipeline.warm_start: {uri}: {error}; name a program that mlestar wrote") from None
    return [Start.of("warm start", member) for member in _weighty(solution)]


def _weighty(solution: Solution) -> Sequence[Mapping[str, Block]]:
    """The members, the one with the largest weight first."""
    weights = solution.combine.parameters.get("weights") if solution.combine else None
    if not isinstance(weights, tuple) or len(weights) != len(solution.members):
        return solution.members
    order = sorted(range(len(weights)), key=lambda place: -weights[place])
    return [solution.members[place] for place in order]


def _library(uri: str) -> Storage:
    return Storage(uri, what="the block library", remedy=_REMEDY.format("block_library"))
