"""search: try candidates of many families, keep the best, and merge what others do better into it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from mlestar.errors import BudgetError
from mlestar.progress import emit
from mlestar.recipes import Proposal, plain_solution
from mlestar.stages.branch import Branch, open_branch
from mlestar.stages.failures import why_nothing_ran

__all__ = ["search"]

_MERGE_SHARE = 0.2  # of the stage's budget, kept for merging
_MERGED_KINDS = ("join", "clean", "features", "encode", "target", "postprocess")


def search(*, scope_dir: Path, train_dir: Path, candidates_dir: Path, branch: int, store: str) -> None:
    """Evaluate starting candidates and merge the best of them into the initial solution of a branch.

    Parameters
    ----------
    scope_dir, train_dir : Path
        Outputs of scope.
    candidates_dir : Path
        Candidates directory to write.
    branch : int
        Number of the branch, from 0; branches start from different model families.
    store : str
        URI of the evaluation store.

    Raises
    ------
    BudgetError
        When no candidate ran to its end, and there is no other branch that may have one.
    """
    with open_branch("search", scope_dir, train_dir, None, store, branch=branch) as work:
        reserve = _MERGE_SHARE * work.budget.limit
        for proposal in chain(_started(work), work.proposer.starts()):
            if work.candidates.best_id and work.budget.left < reserve:
                break
            if work.candidates.find(proposal.solution.id) is None:  # a start may be what would be tried anyway
                _try(work, proposal)
        if work.candidates.best_id is None:  # scope has the plain baseline on record, so that it costs no time
            _try(work, Proposal(plain_solution(work.scoped.task), "plain baseline"), required=True)
        if work.candidates.best_id:
            _merge(work)
        else:
            _go_on_without(work)
    work.candidates.write(candidates_dir)


def _started(work: Branch) -> Iterator[Proposal]:
    """What shipped earlier or for related tasks, as it goes with this task and with the models of this branch."""
    for start in work.scoped.starts:
        proposal = work.proposer.adapted(start.read(), start.name)
        if proposal is not None:
            yield proposal


def _try(work: Branch, proposal: Proposal, *, required: bool = False) -> None:
    evaluation = work.evaluate(proposal.solution, proposal.name, required=required)
    if work.is_better(evaluation):
        work.accept(proposal.solution)


def _go_on_without(work: Branch) -> None:
    """Leave the run to the other branches, where there are any."""
    failures = [(each.status, each.reason) for each in work.candidates.entries]
    why = f"search, branch {work.branch}: no candidate ran to its end: {why_nothing_ran(failures)}"
    if work.scoped.scope.pipeline.branches == 1:
        raise BudgetError(why)
    emit("note", message=why)


def _merge(work: Branch) -> None:
    """Give the best candidate, one block at a time, what the next best ones do differently."""
    ranked = sorted(
        (each for each in work.candidates.entries if each.status == "ok" and each.id != work.candidates.best_id),
        key=lambda each: -work.harness.gain(each.score or 0.0, work.candidates.best.score or 0.0),
    )
    for other in ranked[:3]:
        donor = work.candidates.solution(other.id).blocks
        for kind in _MERGED_KINDS:
            best = work.candidates.best
            solution = work.candidates.solution(best.id)
            merged = solution.replace(kind, donor.get(kind))
            if merged.id == best.id or work.candidates.find(merged.id) or not work.proposer.fits_together(merged):
                continue
            name = f"{best.name}, {kind} of {other.name}"
            evaluation = work.evaluate(merged, name, parent=best.id, block=kind)
            if work.is_better(evaluation):
                work.accept(merged)
