"""What every stage after scope starts from: the resolved scope, the workers, and a harness over the training rows."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlestar.data import Task
from mlestar.evaluation import EvaluationStore, Harness, Workers, connect, start_server
from mlestar.files import read_json
from mlestar.private_folders import private_folder
from mlestar.spec import Scope, parse_scope
from mlestar.stages.budget import Plan
from mlestar.stages.environment import SCRATCH, WORKERS, cores, memory_available
from mlestar.stages.library import Start

__all__ = ["Scoped", "memory_limit_mb", "open_harness", "open_workers", "table_file"]

_MEMORY_SHARE = 0.7  # of the memory that is free when a stage starts, for all candidates that run at once
_FIXED_MB, _TIMES_TABLE = 300.0, 1.2  # that one may use where candidates are compared on some rows of a large table


@dataclass(frozen=True)
class Scoped:
    """The output of scope, read.

    Attributes
    ----------
    fingerprint : str
        What scope was given as the digest of the user's data.
    data : str
        Digest of the features and of the auxiliary tables; part of every evaluation's key.
    baseline : dict
        The score of the trivial baseline, and what that is.
    plain_score : float or None
        The cross-validated score of plain gradient boosting; None where it did not run to its end.
    seconds_per_evaluation : float
        What a fit of the plain baseline took.
    starts : list of Start
        What search is to start from: of an earlier run, and of related tasks.
    """

    scope: Scope
    task: Task
    plan: Plan
    fingerprint: str
    data: str
    baseline: dict[str, Any]
    plain_score: float | None
    seconds_per_evaluation: float
    starts: Sequence[Start] = ()

    @classmethod
    def read(cls, scope_dir: Path) -> Scoped:
        document = read_json(scope_dir / "scope.json")
        return cls(
            scope=parse_scope(json.dumps(document["spec"])).scope,
            task=Task.model_validate(document["task"]),
            plan=Plan.model_validate(read_json(scope_dir / "plan.json")),
            fingerprint=document["fingerprint"],
            data=document["data"],
            baseline=document["baseline"],
            plain_score=document["plain"]["score"],
            seconds_per_evaluation=document["seconds_per_evaluation"],
            starts=[Start.model_validate(each) for each in document["starts"]],
        )

    @property
    def is_constrained(self) -> bool:
        """Whether the spec limits what ships: its size, or how long a prediction may take."""
        return bool(self.scope.constraints.predict_ms_p95 or self.scope.constraints.model_mb)


def memory_limit_mb() -> float:
    """What one candidate may use, in MB."""
    return memory_available() / 1e6 * _MEMORY_SHARE / cores()


def table_file(train_dir: Path, name: str) -> Path:
    """The Arrow file of an auxiliary table."""
    return train_dir / "tables" / f"{name}.arrow"


@contextmanager
def open_workers(task: Task, train_dir: Path, interrupted: Callable[[], bool] = lambda: False) -> Iterator[Workers]:
    """The workers of the run, or of a server of our own where nobody started one; they know the auxiliary tables."""
    with ExitStack() as stack:
        address = os.environ.get(WORKERS) or stack.enter_context(start_server(cores())).address
        yield connect(address, interrupted, {each.name: table_file(train_dir, each.name) for each in task.tables})


@contextmanager
def open_harness(
    scoped: Scoped, train_dir: Path, store: str, interrupted: Callable[[], bool] = lambda: False
) -> Iterator[Harness]:
    """A harness over the training rows, with workers, whose sessions end when they are ``interrupted``, and scratch."""
    with ExitStack() as stack:
        scratch = os.environ.get(SCRATCH) or stack.enter_context(private_folder())
        memory_mb = memory_limit_mb()
        if scoped.plan.rows:
            table_mb = (train_dir / "features.arrow").stat().st_size / 1e6
            memory_mb = min(memory_mb, _FIXED_MB + _TIMES_TABLE * table_mb)
        yield Harness(
            scoped.task,
            train_dir,
            data=scoped.data,
            store=EvaluationStore(store),
            workers=stack.enter_context(open_workers(scoped.task, train_dir, interrupted)),
            scratch=Path(scratch) / "folds",
            memory_mb=memory_mb,
            lanes=cores(),
            folds=scoped.plan.folds,
            rows=scoped.plan.rows,
        )
