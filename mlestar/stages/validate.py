"""validate: open the holdout, and bless or refuse the judged model."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from mlestar.digests import digest, file_digest
from mlestar.files import write_bytes, write_json
from mlestar.private_folders import private_folder
from mlestar.recipes import plain_solution
from mlestar.report import Run, metrics_of, render
from mlestar.solution import render as render_program
from mlestar.stages.budget import StageBudget
from mlestar.stages.environment import cores, ending_early
from mlestar.stages.model import MODEL_FILE, read_model
from mlestar.stages.scoped import Scoped, memory_limit_mb, open_workers
from mlestar.validation import Source, judge, record_opening

__all__ = ["validate"]

_REFIT = 2.5  # times the seconds that fitting the judged model took: what finalize is likely to need


def validate(
    *, scope_dir: Path, train_dir: Path, holdout_dir: Path, model_dir: Path, verdict_dir: Path, store: str
) -> str:
    """Judge a model on rows that nothing before has seen.

    The target of the holdout stays in this process: workers are given features only.

    Parameters
    ----------
    scope_dir, train_dir, holdout_dir : Path
        Outputs of scope.
    model_dir : Path
        The judged model, from ensemble.
    verdict_dir : Path
        Directory to write: ``verdict.json``, ``metrics.json`` and ``report.html``.
    store : str
        URI of the evaluation store, which also remembers how many models were judged on this holdout.

    Returns
    -------
    str
        ``blessed`` or ``refused``.

    Raises
    ------
    ModelError
        When the judged model is not the one that was written.
    SpecError
        When the spec gives a severity to a check that does not exist.
    """
    scoped = Scoped.read(scope_dir)
    program, facts = read_model(model_dir)
    budget = StageBudget(scoped.plan, "validate", after=["finalize"])
    kept = _kept_for_finalize(scoped, facts, budget, train_dir)
    opened = digest([scoped.fingerprint, file_digest(holdout_dir / "target.arrow")])
    with open_workers(scoped.task, train_dir) as workers, private_folder() as scratch:
        verdict = judge(
            Source(
                scope=scoped.scope,
                task=scoped.task,
                program=program,
                model=model_dir / MODEL_FILE,
                rows=facts["fit_rows"],
                fit_seconds=facts["fit_seconds"],
                score=facts["score"],
                plain_program=render_program(plain_solution(scoped.task), scoped.task),
                train_dir=train_dir,
                holdout_dir=holdout_dir,
                workers=workers,
                memory_mb=memory_limit_mb() * cores(),
                threads=facts["fit_threads"],
                seconds_left=lambda: budget.fit_seconds() - kept if budget.is_timed else inf,
                scratch=scratch,
                is_ending_early=ending_early(),
                openings=record_opening(store, opened, facts["model_sha256"]),
            )
        )
    write_json(verdict_dir / "verdict.json", verdict)
    write_json(verdict_dir / "metrics.json", metrics_of(verdict))
    report = render(Run.read(scope=scope_dir, model=model_dir, verdict=verdict_dir))
    write_bytes(verdict_dir / "report.html", report.encode())
    return str(verdict["verdict"])


def _kept_for_finalize(scoped: Scoped, facts: Mapping[str, Any], budget: StageBudget, train_dir: Path) -> float:
    """Seconds to leave to finalize beyond its plan, as far as there is more time than was planned for validate.

    It repeats the fit with some more rows, compares, and may need more than was planned before anything ran. Less than
    that fit takes is of no use to it.
    """
    rows = len(np.load(train_dir / "rows.npy", mmap_mode="r", allow_pickle=False))
    fit, planned = facts["fit_seconds"] * rows / facts["fit_rows"], scoped.plan.stages.get("finalize", 0.0)
    more = min(max(_REFIT * fit - planned, 0.0), max(budget.left - scoped.plan.stages.get("validate", 0.0), 0.0))
    return more if planned + more >= fit else 0.0
