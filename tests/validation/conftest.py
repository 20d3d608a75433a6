"""Real data split as scope splits it, programs fitted by real workers, and verdicts on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlestar.data.infer import infer_task
from mlestar.data.sources import read_table, typed
from mlestar.data.splits import split_holdout, time_values
from mlestar.data.tables import read_arrow, write_arrow
from mlestar.data.target import has_target, target_frame, target_values
from mlestar.data.task import Task
from mlestar.evaluation import Limits, Workers, connect, start_server
from mlestar.recipes import find_recipe, plain_solution
from mlestar.solution import FIT_THREADS, Block, Solution, render
from mlestar.spec import Scope, parse_scope
from mlestar.validation import Source, check_ids, judge

SESSION = Limits(seconds=120.0, memory_mb=4000.0)


@dataclass(frozen=True)
class Split:
    """A task with its training rows and holdout on disk."""

    scope: Scope
    task: Task
    folder: Path

    @property
    def train_dir(self) -> Path:
        return self.folder / "train"

    @property
    def holdout_dir(self) -> Path:
        return self.folder / "holdout"

    def with_scope(self, **sections: Mapping[str, Any]) -> Split:
        """The same data under another spec."""
        content = json.loads(self.scope.to_json()) | sections
        return Split(parse_scope(json.dumps(content)).scope, self.task, self.folder)


@pytest.fixture(scope="session")
def program() -> Callable[..., str]:
    """``program(task, model="lightgbm")``: of recipes by name, or of blocks by their source."""

    def make(task: Task, **blocks: str) -> str:
        linear = "logistic" if task.is_classification else "ridge"
        chosen = {"clean": "standard", "encode": "ordinal", "model": linear} | blocks
        made = {
            kind: Block(kind, each) if "def " in each else find_recipe(kind, each).block()
            for kind, each in chosen.items()
        }
        return render(Solution.of(made), task)

    return make


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    with start_server(2) as server:
        yield connect(server.address)


@pytest.fixture(scope="session")
def split(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Split]:
    """``split("sklearn:wine", "target", metric="accuracy")``: what is no frame or URI is a field of ``task``."""
    made: dict[str, Split] = {}

    def make(data: str | pd.DataFrame, target: str | list[str], **task_fields: Any) -> Split:
        key = json.dumps([str(data), target, task_fields])
        if key not in made:
            made[key] = _split(data, target, task_fields, tmp_path_factory.mktemp("split"))
        return made[key]

    return make


def _split(data: str | pd.DataFrame, target: Any, task_fields: dict[str, Any], folder: Path) -> Split:
    content = {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": "example",
        "data": {"train": data if isinstance(data, str) else "train.csv"},
        "task": {"target": target, **task_fields},
    }
    loaded = parse_scope(json.dumps(content))
    frame = data if isinstance(data, pd.DataFrame) else read_table(data)
    task, _, _ = infer_task(loaded.scope, frame, source=loaded.source)
    frame = typed(frame, task.storage)
    frame = frame[has_target(frame, task.targets)]
    times = None
    if task.time:
        frame = frame.iloc[np.argsort(time_values(frame[task.time]), kind="stable")]
        times = time_values(frame[task.time])
    y = target_values(frame, task)
    groups = frame[task.group].to_numpy() if task.group else None
    held_out = split_holdout(y, splitter=task.splitter, fraction=0.25, seed=0, groups=groups, times=times)
    for name, rows in (("train", ~held_out), ("holdout", held_out)):
        write_arrow(frame[list(task.features)], folder / name / "features.arrow", rows=rows)
        write_arrow(target_frame(y, groups), folder / name / "target.arrow", rows=rows)
    return Split(loaded.scope, task, folder)


@pytest.fixture(scope="session")
def verdict_on(workers: Workers, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """``verdict_on(split, program, only=["latency"])``: fits a program and judges it; other checks are turned off."""

    def make(
        data: Split,
        program: str,
        *,
        only: Iterable[str] = (),
        labels: np.ndarray | None = None,
        score: float | None = None,
        judged_program: str | None = None,
        seconds_left: Callable[[], float] = lambda: 600.0,
        rows: int | None = None,
        is_ending_early: bool = False,
    ) -> dict[str, Any]:
        folder = tmp_path_factory.mktemp("judged")
        target = data.train_dir / "target.arrow"
        if labels is not None:
            target = folder / "target.arrow"
            write_arrow(target_frame(labels), target)
        with workers.session(program, seed=data.task.seed, threads=FIT_THREADS, limits=SESSION) as session:
            fitted = session.fit(data.train_dir / "features.arrow", target)
            session.save(folder / "model.skops")
        off = {name: "off" for name in check_ids() if only and name not in only}
        validation = data.scope.validation.model_copy(update={"checks": {**off, **data.scope.validation.checks}})
        scope = data.scope.model_copy(update={"validation": validation})
        return judge(
            Source(
                scope=scope,
                task=data.task,
                program=judged_program or program,
                model=folder / "model.skops",
                rows=rows or len(read_arrow(target)),
                fit_seconds=fitted.seconds,
                score=0.0 if score is None else score,
                plain_program=render(plain_solution(data.task), data.task),
                train_dir=data.train_dir,
                holdout_dir=data.holdout_dir,
                workers=workers,
                memory_mb=SESSION.memory_mb,
                threads=FIT_THREADS,
                seconds_left=seconds_left,
                is_ending_early=is_ending_early,
                scratch=folder,
            )
        )

    return make


@pytest.fixture(scope="session")
def outcome(verdict_on: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """``outcome("latency", split, program)``: what one check says, with the others turned off."""

    def make(name: str, data: Split, program: str, **options: Any) -> dict[str, Any]:
        checks = verdict_on(data, program, only=[name], **options)["checks"]
        return next(check for check in checks if check["id"] == name)

    return make
