"""finalize: fit the blessed solution on all rows, check that it is still the model that was judged, and ship it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlestar.data import Task
from mlestar.data.tables import read_arrow, write_arrow
from mlestar.errors import ModelError, StorageError, quoted
from mlestar.evaluation import CandidateFailure, Limits, Workers
from mlestar.evaluation.folds import read_target
from mlestar.files import read_json, write_bytes
from mlestar.private_folders import private_folder
from mlestar.progress import doing
from mlestar.report import Run, render
from mlestar.solution import FIT_THREADS, Solution, read_program
from mlestar.stages.budget import LONGEST_FIT, Plan, StageBudget
from mlestar.stages.candidates import Candidates
from mlestar.stages.environment import cores
from mlestar.stages.library import publish
from mlestar.stages.model import MODEL_FILE, ModelFacts, fit_and_save, read_model, write_model
from mlestar.stages.program_tests import TESTS_FILE, write_tests
from mlestar.stages.scope import GAP
from mlestar.stages.scoped import Scoped, memory_limit_mb, open_workers
from mlestar.stages.weights import combined
from mlestar.validation.subject import SURELY

__all__ = ["finalize"]

_CARRIED_ON = ("ensemble.json", "history.json", "candidates.json")
_MOST_DISAGREEMENT = 2.0  # times what a model differs from one that did not see the row
_FIT_SHARE, _AFTER_FIT = (
    0.8,
    2.5,
)  # of what is left, or all but these seconds, to compare with the judged model and report
_LATE = 0.02  # of the wall clock, that the fit may end late: without it, the model lacks the holdout's rows
_TESTS_SECONDS, _REPORT_SECONDS = 30.0, 0.8  # of what is left after that: the tests at most, and the report
_PREDICT_SECONDS = 60.0
_COMPARED_ROWS = 5000


def finalize(
    *,
    scope_dir: Path,
    train_dir: Path,
    holdout_dir: Path,
    model_dir: Path,
    verdict_dir: Path,
    final_dir: Path,
    store: str,
) -> None:
    """Ship the judged solution, fitted on all rows; the judged model itself where that fails or turns out different.

    The figures of the report stay those of the judged model.

    Parameters
    ----------
    model_dir : Path
        The judged model.
    verdict_dir : Path
        What validate wrote.
    final_dir : Path
        Model directory to write, with ``report.html``, and ``test_solution.py`` with its ``sample.csv`` unless the spec
        wants no sample.

    Raises
    ------
    ModelError
        When the judged model is not the one that was written, or was not blessed.
    """
    verdict = read_json(verdict_dir / "verdict.json")["verdict"]
    if verdict != "blessed":
        raise ModelError(
            f"{verdict_dir}: the verdict is {quoted(verdict)}, and only a blessed model is finalized; see the checks "
            "in its report.html, or predict with the judged model and --unblessed"
        )
    scoped = Scoped.read(scope_dir)
    program, facts = read_model(model_dir)
    budget = StageBudget(scoped.plan, "finalize")
    final_dir.mkdir(parents=True, exist_ok=True)
    with open_workers(scoped.task, train_dir) as workers, private_folder() as scratch:
        everything = scratch / "all"
        _join([train_dir, holdout_dir, holdout_dir / GAP], everything)
        limits = Limits(seconds=_fit_seconds(budget, scoped.plan), memory_mb=memory_limit_mb() * cores())
        rows = len(read_arrow(everything / "target.arrow"))
        notes = [] if budget.counted else _lack_of_time(limits.seconds, facts, rows)
        fitted: dict[str, Any] = {}
        try:
            if not notes:
                doing("finalize", "fit on all rows")
                path, threads = final_dir / MODEL_FILE, facts["fit_threads"]
                taken = fit_and_save(workers, program, scoped.task, everything, path, limits, threads=threads)
                fitted = {"fit_seconds": round(taken, 3), "fit_rows": rows}
                doing("finalize", "comparison with the judged model")
                notes = _disagreement(workers, program, scoped, train_dir, holdout_dir, model_dir, final_dir)
        except CandidateFailure as failure:
            notes = [f"the fit on all rows ended with {failure.status} ({failure.reason})"]
        if notes:
            shutil.copyfile(model_dir / MODEL_FILE, final_dir / MODEL_FILE)
            fitted = {}
            notes = [f"{note}; this is the judged model, fitted without the holdout" for note in notes]
        if scoped.scope.data.sample:
            notes += _write_tests(workers, program, scoped, train_dir, verdict_dir, final_dir, budget)
    if scoped.scope.pipeline.block_library:
        notes += _published(scoped.scope.pipeline.block_library, program, scoped.task, model_dir, verdict_dir)
    for name in _CARRIED_ON:
        shutil.copyfile(model_dir / name, final_dir / name)
    known = ModelFacts.model_validate({name: facts[name] for name in ModelFacts.model_fields})
    write_model(
        final_dir,
        program,
        known.model_copy(update={"kind": "final", "blessed": True, "notes": [*facts["notes"], *notes], **fitted}),
    )
    report = render(Run.read(scope=scope_dir, model=model_dir, verdict=verdict_dir, final=final_dir))
    write_bytes(final_dir / "report.html", report.encode())


def _published(library: str, program: str, task: Task, model_dir: Path, verdict_dir: Path) -> list[str]:
    """Add what ships, and what was best of other models, to the library; what there is to note where that fails."""
    verdict, tried = read_json(verdict_dir / "verdict.json"), Candidates.read(model_dir)
    plain, sign = verdict["baselines"].get("plain"), 1 if verdict["greater_is_better"] else -1
    scored = [each for each in tried.entries if each.status == "ok" and each.score is not None]
    scored.sort(key=lambda each: -sign * (each.score or 0.0))
    best_of_each = {each.recipes["model"]: each for each in reversed(scored)}
    others = [tried.solution(each.id) for each in scored if best_of_each[each.recipes["model"]] is each]
    figures = {"score": verdict["score"], "plain_score": plain and plain["score"]}
    try:
        publish(library, read_program(program), others, task, **figures)
    except StorageError as error:
        return [f"not added to the library: {error}"]
    return []


def _write_tests(
    workers: Workers,
    program: str,
    scoped: Scoped,
    train_dir: Path,
    verdict_dir: Path,
    final_dir: Path,
    budget: StageBudget,
) -> list[str]:
    """Write the tests of the program; returns what there is to note of them."""
    doing("finalize", "tests of the program")
    untried = write_tests(
        final_dir,
        program,
        scoped.task,
        train_dir=train_dir,
        checks={check["id"]: check for check in read_json(verdict_dir / "verdict.json")["checks"]},
        workers=workers,
        seconds=_tests_seconds(budget),
    )
    return [f"{TESTS_FILE} leaves out what there was no time to try: {', '.join(untried)}"] if untried else []


def _tests_seconds(budget: StageBudget) -> float:
    """What trying the tests may take."""
    if not budget.is_timed:
        return LONGEST_FIT
    return max(min(budget.fit_seconds() - _REPORT_SECONDS, _TESTS_SECONDS), 0.0)


def _join(directories: list[Path], joined: Path) -> None:
    """All rows in the order in which the program reads them from the user's file."""
    present = [directory for directory in directories if (directory / "rows.npy").exists()]
    order = np.argsort(np.concatenate([np.load(directory / "rows.npy", allow_pickle=False) for directory in present]))
    for name in ("features.arrow", "target.arrow"):
        write_arrow(
            pd.concat([read_arrow(each / name) for each in present], ignore_index=True), joined / name, rows=order
        )


def _fit_seconds(budget: StageBudget, plan: Plan) -> float:
    """How long the fit on all rows may take."""
    if budget.counted:
        return budget.fit_seconds(_FIT_SHARE)
    left = budget.fit_seconds()
    return max(left * _FIT_SHARE, left - _AFTER_FIT) + _LATE * plan.total


def _lack_of_time(given: float, facts: Mapping[str, Any], rows: int) -> list[str]:
    """Why not to start the fit on all rows, if it would be cut off."""
    needed = facts["fit_seconds"] * rows / facts["fit_rows"]
    if given >= needed * SURELY:
        return []
    return [f"the budget left {given:.1f} s for a fit on all rows, which is likely to take {needed:.1f} s"]


def _disagreement(
    workers: Workers,
    program: str,
    scoped: Scoped,
    train_dir: Path,
    holdout_dir: Path,
    model_dir: Path,
    final_dir: Path,
) -> list[str]:
    """Why the refitted model is not the judged one, if it is not.

    On the holdout the final model has seen the rows and the judged one has not; on the training rows the judged model
    has, and the fold models behind the out-of-fold predictions have not. The two should differ about as much.

    Where rows are in the order of time, the holdout is the latest, and what has changed since the training rows is what
    the fit on all rows is for: there, a larger difference is no failure if it is nearer to the labels, and if on the
    training rows, which both models have seen, the two agree.

    Values are compared as they are shipped, after ``postprocess``. Of a classifier it is the probabilities, which
    ``postprocess`` leaves as they are; not its labels: a threshold is chosen anew by each fit, and the rows that change
    sides are too few in a small holdout to tell that from a model that is another one.
    """

    def predict(directory: Path, *tables: Path) -> list[np.ndarray]:
        limits = Limits(seconds=_PREDICT_SECONDS, memory_mb=memory_limit_mb())
        with workers.session(program, seed=scoped.task.seed, threads=FIT_THREADS, limits=limits) as session:
            session.load(directory / MODEL_FILE)
            found = [np.asarray(session.predict(each).values) for each in tables]
        return [each.reshape(len(each), -1) for each in found]

    out_of_fold = _out_of_fold(read_program(program), model_dir)
    rows = np.flatnonzero(np.isfinite(out_of_fold).all(axis=1))
    rows = np.sort(np.random.default_rng(scoped.task.seed).permutation(rows)[:_COMPARED_ROWS])
    with private_folder() as scratch:
        seen = scratch / "features.arrow"
        write_arrow(read_arrow(train_dir / "features.arrow"), seen, rows=rows)
        tables = seen, holdout_dir / "features.arrow"
        (judged_seen, judged), (final_seen, final) = (predict(each, *tables) for each in (model_dir, final_dir))
    allowed = _MOST_DISAGREEMENT * (expected := np.abs(out_of_fold[rows] - judged_seen).mean())
    if (found := np.abs(judged - final).mean()) <= allowed:
        return []
    if scoped.task.splitter == "time" and np.abs(judged_seen - final_seen).mean() <= allowed:
        truth = _truth(scoped.task, holdout_dir)
        if np.square(final - truth).mean() < np.square(judged - truth).mean():
            return []
    return [f"fitted on all rows, its predictions changed by {found:.3g} on the holdout, {expected:.3g} were expected"]


def _truth(task: Task, directory: Path) -> np.ndarray:
    """What a perfect model would predict (rows, outputs)."""
    y = read_target(directory, task)
    return np.eye(len(task.classes))[y.astype(int)] if task.is_classification else y.reshape(len(y), -1)


def _out_of_fold(solution: Solution, model_dir: Path) -> np.ndarray:
    """Out-of-fold predictions of the judged solution (rows, outputs)."""
    candidates = Candidates.read(model_dir)
    members = read_json(model_dir / "ensemble.json")["members"]
    return combined(solution, np.stack([candidates.predictions[each["id"]] for each in members], axis=1))
