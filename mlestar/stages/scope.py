"""scope: read the spec and the data, fix the holdout and the folds, score the baselines, plan the budget."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlestar.data.coverage import require_variety
from mlestar.data.infer import infer_task
from mlestar.data.leakage import suspected_leaks
from mlestar.data.preflight import check_train
from mlestar.data.sources import read_table, typed
from mlestar.data.splits import default_holdout, make_folds, split_holdout, time_values
from mlestar.data.statistics import column_statistics
from mlestar.data.tables import write_arrow
from mlestar.data.target import has_target, target_frame, target_values
from mlestar.data.task import Task
from mlestar.digests import digest, file_digest
from mlestar.errors import DataError
from mlestar.evaluation import Evaluation, Harness, InvalidScore
from mlestar.evaluation.folds import some_folds
from mlestar.files import write_bytes, write_json
from mlestar.progress import doing, emit
from mlestar.recipes import RecipeProposer, plain_solution, static_cost
from mlestar.spec import Scope, parse_scope
from mlestar.stages.auxiliary import with_tables
from mlestar.stages.budget import LONGEST_FIT, Plan, make_plan
from mlestar.stages.library import Start, earlier, related
from mlestar.stages.scoped import Scoped, open_harness, table_file
from mlestar.validation import require_known, trivial_predictions

__all__ = ["GAP", "scope"]

GAP = "gap"
"""Folder of the rows between training and holdout of a time-ordered task, which only the final fit sees."""

_ENOUGH_ROWS = 1000  # of a fold, that it says enough with few others
_BASELINE_SHARE = 0.15  # of the wall clock that the plain baseline may take
_DEAR = 0.05  # of the wall clock; a fit of the plain baseline that may take more is tried on a few rows first
_DEAR_TEXTS = 0.2  # the same for the starts, of texts, which the plain baseline does not read
_FIRST_ROWS, _FIRST_SHARE = 20_000, 0.08  # and of the wall clock, that this may take
_CUT_OFF = 2.0  # times what a fit was given that was cut off, as a guess of what it takes


def scope(*, spec: str, fingerprint: str, scope_dir: Path, train_dir: Path, holdout_dir: Path, store: str) -> None:
    """Turn a spec and its data into a task with frozen folds, a holdout and a budget plan.

    Parameters
    ----------
    spec : str
        The scope spec, YAML or JSON.
    fingerprint : str
        Digest of the user's data, for the orchestrator's cache and to count openings of the holdout.
    scope_dir, train_dir, holdout_dir : Path
        Directories to write, see docs/contracts.md.
    store : str
        URI of the evaluation store.

    Raises
    ------
    SpecError, DataError, BudgetError
        When the user must mend something.
    """
    started = time.monotonic()
    loaded = parse_scope(spec)
    require_known(loaded.scope, loaded.source)
    check_train(loaded.scope, loaded.source)
    frame = read_table(loaded.scope.data.train)
    with _about(loaded.scope.data.train):
        task, inferences, warnings = infer_task(loaded.scope, frame, source=loaded.source)
        frame = _ordered(frame, task)
        y = target_values(frame, task)
    task, joined, found, told = with_tables(loaded.scope, task, frame, train_dir)
    inferences, warnings = inferences + found, warnings + told
    with _about(loaded.scope.data.train):
        train = _write_data(loaded.scope, task, frame, y, train_dir, holdout_dir)
    starts, told = _starts(loaded.scope, task)
    warnings += told
    warnings += suspected_leaks(joined[train].reset_index(drop=True), y[train], task)
    data = _digest(train_dir, task)
    document = {
        "spec": json.loads(loaded.scope.to_json()),
        "task": task.model_dump(mode="json"),
        "inferences": [asdict(each) for each in inferences],
        "warnings": warnings,
        "fingerprint": fingerprint,
        "data": data,
        "rows": {"train": int(train.sum()), "holdout": int(len(train) - train.sum())},
        "statistics": column_statistics(joined[train], task),
        "starts": [each.model_dump() for each in starts],
    }
    doing("scope", "baselines")
    plan, baselines = _planned(loaded.scope, task, int(train.sum()), data, train_dir, store, started)
    for warning in warnings:
        emit("note", message=warning)
    write_json(scope_dir / "plan.json", plan.model_dump())
    write_json(scope_dir / "scope.json", {**document, **_on_folds(baselines, plan.folds, task)})


def _digest(train_dir: Path, task: Task) -> str:
    """Of what candidates are given: with a fingerprint that nobody changed, new data must not get old scores."""
    tables = [table_file(train_dir, each.name) for each in task.tables]
    return digest([file_digest(path) for path in (train_dir / "features.arrow", *tables)])


def _starts(scope: Scope, task: Task) -> tuple[list[Start], list[str]]:
    """What search is to start from, and what there is to say of it; fixed here, so that a rerun finds the same."""
    found, told = [], []
    if scope.pipeline.warm_start:
        found += earlier(scope.pipeline.warm_start)
    if scope.pipeline.block_library:
        starts, foreign = related(scope.pipeline.block_library, task)
        found += starts
        if foreign:
            uri = scope.pipeline.block_library
            told.append(f"{uri}: {foreign[0]} is no entry of a library, and is left out; remove it")
    return found, told


def _planned(
    scope: Scope, task: Task, rows: int, data: str, train_dir: Path, store: str, started: float
) -> tuple[Plan, dict[str, Any]]:
    """The plan, and the baselines on what candidates are compared on.

    Where the plain baseline on all rows might take too long, it is fitted on a few first, to plan by.
    """
    plan = partial(_plan, scope, task, rows, started)
    scoped = Scoped(scope, task, Plan(mode="wall_clock", total=0.0, stages={}), "", data, {}, None, 0.0)
    if scope.budget.evaluations or not _is_dear(scope, task):
        baselines = _measured(scoped, train_dir, store)
        return plan(baselines["seconds_per_evaluation"]), baselines
    solution, few = plain_solution(task), min(rows, _FIRST_ROWS)
    probe = _probe(scoped, few, train_dir, store)
    scale = static_cost(solution, task) / static_cost(solution, task.model_copy(update={"rows": few}))
    first = plan(_seconds_per_fit(probe) * scale, fewer=True)
    compared = first.rows or rows
    if probe.status == "timeout":  # all folds would take longer still; what is known is of the first rows
        baselines = _measured(replace(scoped, plan=first), train_dir, store, plain=probe)
        baselines["seconds_per_evaluation"] *= compared / few
    else:
        baselines = _measured(replace(scoped, plan=first), train_dir, store)
    found = plan(baselines["seconds_per_evaluation"] * rows / compared, fewer=True)
    return found.model_copy(update={"folds": first.folds, "rows": first.rows}), baselines


def _plan(scope: Scope, task: Task, rows: int, started: float, plain_seconds: float, *, fewer: bool = False) -> Plan:
    """What a fit of the plain baseline on all rows takes makes the plan; ``fewer`` rows may do, to compare on."""
    budget, pipeline, folds = scope.budget, scope.pipeline, task.folds * task.repeats
    return make_plan(
        wall_clock=budget.wall_clock,
        evaluations=budget.evaluations,
        outer_steps=pipeline.outer_steps,
        branches=pipeline.branches,
        used=time.monotonic() - started,
        fit_seconds=_dearest_fit(task, plain_seconds, pipeline.branches),
        folds=folds,
        repeats=task.repeats,
        columns=len(task.columns),
        large_folds=rows // folds >= _ENOUGH_ROWS,
        rows=rows if fewer else None,
    )


def _is_dear(scope: Scope, task: Task) -> bool:
    """Whether the plain baseline, or what reads texts, might take too long on all rows."""
    wall_clock = scope.budget.wall_clock
    if static_cost(plain_solution(task), task) > _DEAR * wall_clock:
        return True
    return bool(task.text) and _dearest_start(task, scope.pipeline.branches) > _DEAR_TEXTS * wall_clock


def _probe(scoped: Scoped, rows: int, train_dir: Path, store: str) -> Evaluation:
    """The plain baseline on one fold of a few rows."""
    few = replace(scoped, plan=scoped.plan.model_copy(update={"folds": 1, "rows": rows}))
    # A postprocess would be fitted on other folds, of which there are none.
    solution = replace(plain_solution(scoped.task), postprocess=None)
    with open_harness(few, train_dir, store) as harness:
        return harness.evaluate(solution, seconds=lambda: scoped.scope.budget.wall_clock * _FIRST_SHARE)


def _measured(scoped: Scoped, train_dir: Path, store: str, plain: Evaluation | None = None) -> dict[str, Any]:
    """The baselines on the folds and rows of the plan; the plain one where it is not known already."""
    budget = scoped.scope.budget
    seconds = LONGEST_FIT if budget.evaluations else budget.wall_clock * _BASELINE_SHARE
    with open_harness(scoped, train_dir, store) as harness:
        begun = time.monotonic()

        def takes_too_long(scores: Sequence[float]) -> str | None:
            whole = (time.monotonic() - begun) * len(harness.folds) / len(scores)
            return f"all folds would take {whole:.0f} s" if whole > seconds and not budget.evaluations else None

        plain = plain or harness.evaluate(plain_solution(scoped.task), seconds=lambda: seconds, give_up=takes_too_long)
        return _baselines(harness, plain)


@contextmanager
def _about(uri: str) -> Iterator[None]:
    """What is wrong with the data names the file."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{uri}: {error}") from None


def _ordered(frame: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Typed rows that have a target, in the order in which the program fits them: the file's, or that of time."""
    frame = typed(frame, task.storage)
    frame = frame[has_target(frame, task.targets)]
    if task.time:
        frame = frame.iloc[np.argsort(time_values(frame[task.time]), kind="stable")]
    return frame.reset_index(drop=True)


def _write_data(
    scope: Scope, task: Task, frame: pd.DataFrame, y: np.ndarray, train_dir: Path, holdout_dir: Path
) -> np.ndarray:
    """Split off the holdout, write both parts and the folds; returns which rows are for training."""
    groups = frame[task.group].to_numpy() if task.group else None
    times = time_values(frame[task.time]) if task.time else None
    fraction = scope.validation.holdout or default_holdout(len(frame))
    held_out = split_holdout(
        y,
        splitter=task.splitter,
        fraction=fraction,
        seed=task.seed,
        folds=task.folds,
        groups=groups,
        times=times,
    )
    train, skipped = ~held_out, np.zeros(len(frame), dtype=bool)
    if task.time and task.gap:
        first = int(np.argmax(held_out))
        skipped[max(first - task.gap, 0) : first] = True
        train &= ~skipped
    folds = make_folds(
        y[train],
        splitter=task.splitter,
        folds=task.folds,
        repeats=task.repeats,
        gap=task.gap,
        seed=task.seed,
        groups=None if groups is None else groups[train],
        times=None if times is None else times[train],
    )
    require_variety(y[train], y[held_out], folds, task)
    parts = {train_dir: train, holdout_dir: held_out} | ({holdout_dir / GAP: skipped} if skipped.any() else {})
    for directory, rows in parts.items():
        write_arrow(frame[list(task.features)], directory / "features.arrow", rows=rows)
        write_arrow(target_frame(y, groups), directory / "target.arrow", rows=rows)
        _write_array(directory / "rows.npy", np.flatnonzero(rows))
    _write_array(train_dir / "folds.npy", folds)
    return train


def _seconds_per_fit(evaluation: Evaluation) -> float:
    """What a fit took; of one that was cut off it is known that it takes longer."""
    return evaluation.seconds / max(evaluation.folds, 1) * (_CUT_OFF if evaluation.status == "timeout" else 1.0)


def _baselines(harness: Harness, plain: Evaluation) -> dict[str, Any]:
    """Scores on every fold of a constant prediction and of plain gradient boosting; and what a fit costs."""
    task, trivial = harness.task, []
    for fold in harness.folds:
        predictions, labels = trivial_predictions(task, harness.y[fold.train], len(fold.valid))
        try:
            trivial.append(harness.score(fold.valid, predictions, labels))
        except InvalidScore:  # of rows that are all of one class; chance where that is known
            trivial.append(0.5 if task.metric == "roc_auc" else 0.0)
    return {
        "baseline": {"score": trivial, "description": "the same prediction for every row"},
        "plain": {
            "score": list(plain.fold_scores) if plain.ok else None,
            "status": plain.status,
            "solution": plain.solution.id,
            "seconds": plain.seconds,
        },
        "seconds_per_evaluation": _seconds_per_fit(plain),
    }


def _on_folds(baselines: dict[str, Any], folds: int | None, task: Task) -> dict[str, Any]:
    """The baselines with their mean score on the folds that candidates are compared on."""
    found = dict(baselines)
    for name in ("baseline", "plain"):
        scores = baselines[name]["score"]
        mean = None if scores is None else float(np.mean(some_folds(scores, folds, task)))
        found[name] = {**baselines[name], "score": mean}
    return found


def _dearest_fit(task: Task, plain_seconds: float, branches: int) -> float:
    """What a fit of the dearest solution that a branch starts from is likely to take, by that of the plain baseline.

    No less than that one: of wide tables it is known how the models grow, and not what reading every column takes.
    """
    plain = static_cost(plain_solution(task), task)
    return plain_seconds * max(_dearest_start(task, branches), plain) / plain


def _dearest_start(task: Task, branches: int) -> float:
    """The largest static cost of the solutions that the branches start from."""
    proposers = (RecipeProposer(task, seed=task.seed, branch=each, branches=branches) for each in range(branches))
    solutions = [next(each.starts()).solution for each in proposers]
    return max(static_cost(each, task) for each in solutions)


def _write_array(path: Path, array: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_bytes(path, buffer.getvalue())
