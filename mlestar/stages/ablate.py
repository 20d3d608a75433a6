"""ablate: swap each block of the best candidate for its null variant, and measure what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlestar.evaluation import Evaluation
from mlestar.solution import Solution
from mlestar.stages.branch import Branch, open_branch
from mlestar.stages.candidates import Candidate

__all__ = ["ablate"]


def ablate(
    *, scope_dir: Path, train_dir: Path, candidates_dir: Path, ablated_dir: Path, branch: int, step: int, store: str
) -> None:
    """Measure each block's effect on the same folds, with its paired standard error.

    Where the budget does not suffice for all folds, the first ones have to do; a block whose variant would be cut off
    is left out, as is one that was measured in the step before, if the best candidate is the same.

    Parameters
    ----------
    candidates_dir : Path
        Candidates directory of the stage before.
    ablated_dir : Path
        Candidates directory to write: with the ablated variants, and ``ablations`` in the history.
    step : int
        Number of the outer step, from 1.
    """
    with open_branch("ablate", scope_dir, train_dir, candidates_dir, store, branch=branch, step=step) as work:
        if work.candidates.best_id:
            _ablate(work)
    work.candidates.write(ablated_dir)


def _ablate(work: Branch) -> None:
    best = work.candidates.best
    measured = {
        (each["candidate"], each["block"])
        for each in work.candidates.history["ablations"]
        if each["standard_error"] is not None
    }
    nulls = work.proposer.nulls(work.candidates.solution(best.id))
    nulls = [(kind, proposal) for kind, proposal in nulls if (best.id, kind) not in measured]
    folds = _folds(work, [proposal.solution for _, proposal in nulls])
    for kind, proposal in nulls:
        known = work.candidates.find(proposal.solution.id)
        evaluation = work.evaluate(proposal.solution, proposal.name, parent=best.id, block=kind, folds=folds)
        if evaluation is None:
            continue
        work.candidates.history["ablations"].append(_effect(work, best, kind, proposal.name, evaluation))
        if (known is None or known.status != "ok") and work.is_better(evaluation):
            work.accept(proposal.solution)


def _folds(work: Branch, solutions: Sequence[Solution]) -> int:
    """On how many folds all variants can be afforded, at least one."""
    if not solutions:
        return 1
    if work.budget.counted:
        return max(1, min(len(work.harness.folds), int(work.budget.left / len(solutions))))
    expected = sum(work.expected_seconds(each) for each in solutions)
    return max(1, min(len(work.harness.folds), int(work.budget.left / expected)))


def _effect(work: Branch, best: Candidate, kind: str, variant: str, evaluation: Evaluation) -> dict[str, Any]:
    """What the best candidate loses without the block: positive where the block helps."""
    lost = work.differences(best.fold_scores, evaluation.fold_scores)
    return {
        "branch": work.branch,
        "step": work.step,
        "candidate": best.id,
        "block": kind,
        "variant": variant,
        "effect": float(np.mean(lost)) if lost else None,
        "standard_error": work.harness.standard_error(lost) if len(lost) > 1 else None,
        "seconds": round(evaluation.seconds, 3),
        "status": evaluation.status,
        "reason": evaluation.reason,
    }
