"""refine: improve the block that promises most, keep the best variant when its gain is likely real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mlestar.evaluation import Evaluation
from mlestar.recipes import Proposal, RecipeProposer, Trial
from mlestar.solution import Solution
from mlestar.stages.branch import Branch, open_branch
from mlestar.stages.candidates import Candidate

__all__ = ["refine"]

_ACCEPTANCE = 0.3  # standard errors of the paired difference that a gain must exceed
_PRIOR_PROMISE = {
    "model": 1.0,
    "features": 0.6,
    "encode": 0.5,
    "join": 0.4,
    "target": 0.3,
    "postprocess": 0.2,
    "clean": 0.05,
}
_MATTERS = 4.0  # standard errors of an ablation's effect, from which a block counts in full
_MOST_PASSED_OVER = 8  # plans for a block that are too dear, until it is left for another one
_FORGETTING = 0.6  # of a block's promise, for every time that it was refined without a gain


def refine(
    *, scope_dir: Path, train_dir: Path, candidates_dir: Path, refined_dir: Path, branch: int, step: int, store: str
) -> None:
    """Try plans for one block after the other, until the stage's budget is used up.

    Parameters
    ----------
    candidates_dir : Path
        The candidates directory that ablate wrote.
    refined_dir : Path
        Candidates directory to write: with the plans' candidates, and ``refinements`` in the history.
    step : int
        Number of the outer step, from 1.
    """
    with open_branch("refine", scope_dir, train_dir, candidates_dir, store, branch=branch, step=step) as work:
        exhausted: set[str] = set()
        while not work.budget.exhausted and (kind := _most_promising(work, exhausted)):
            if not _refine_block(work, kind):
                exhausted.add(kind)
    work.candidates.write(refined_dir)


def _most_promising(work: Branch, exhausted: set[str]) -> str | None:
    """The block with the largest promise.

    How much a block matters says its ablation, in units of its noise; beyond some of these, a larger effect promises no
    more: that a linear model is far behind does not mean that trees can be improved. A block of which an ablated or
    unfinished variant leads comes first, and every refinement in vain takes from a promise.
    """
    history, best = work.candidates.history, work.candidates.best
    promises = {kind: _PRIOR_PROMISE[kind] for kind in RecipeProposer.kinds(work.scoped.task)}
    effects = {each["block"]: each for each in history["ablations"] if each["effect"] is not None}  # the latest of each
    for kind, each in effects.items():
        if kind in promises:
            noise = each["standard_error"] or abs(each["effect"]) or 1.0
            promises[kind] *= 0.5 + min(abs(each["effect"]) / noise, _MATTERS) / (2 * _MATTERS)
    for each in history["refinements"]:
        if each["block"] in promises and not each["accepted"]:
            promises[each["block"]] *= _FORGETTING
    for kind in promises:
        if next(_unfinished(work, best, kind), None):
            promises[kind] += max(_PRIOR_PROMISE.values())
    return max((kind for kind in promises if kind not in exhausted), key=lambda kind: promises[kind], default=None)


def _refine_block(work: Branch, kind: str) -> bool:
    """Try plans for one block of the best candidate; False when there was none left that could be afforded."""
    before = work.candidates.best
    solution = work.candidates.solution(before.id)
    tried: list[tuple[Evaluation, str, dict[str, Any]]] = []
    unfinished = _unfinished(work, before, kind)
    while len(tried) < work.scoped.scope.pipeline.inner_steps:
        plan = next(unfinished, None) or _affordable_plan(work, solution, kind)
        if plan is None:
            break
        evaluation = work.evaluate(plan.solution, plan.name, parent=before.id, block=kind)
        if evaluation is None:
            break
        block = plan.solution.blocks.get(kind)  # an ablation may have left it out
        tried.append((evaluation, plan.name, block.parameters if block else {}))
    if not tried:
        return False
    plans = [_plan(work, before, *each) for each in tried]
    best = max(range(len(plans)), key=lambda each: plans[each]["gain"] if plans[each]["status"] == "ok" else -np.inf)
    gain, error = plans[best]["gain"], plans[best]["standard_error"]
    accepted = plans[best]["status"] == "ok" and gain > _ACCEPTANCE * (error or 0.0)
    if accepted:
        work.accept(tried[best][0].solution)
    work.candidates.history["refinements"].append(
        {
            "branch": work.branch,
            "step": work.step,
            "block": kind,
            "before": before.id,
            "after": work.candidates.best_id,
            "plans": plans,
            "gain": gain,
            "standard_error": error,
            "accepted": accepted,
        }
    )
    return True


def _unfinished(work: Branch, before: Candidate, kind: str) -> Iterator[Proposal]:
    """Changes of the block that did better on the folds which an ablation had the time for."""
    for entry in list(work.candidates.entries):
        if (
            entry.status == "pruned"
            and (entry.parent, entry.block) == (before.id, kind)
            and work.leads(entry.fold_scores)
        ):
            solution = work.candidates.solution(entry.id)
            if work.affordable(solution):
                yield Proposal(solution, entry.name)


def _affordable_plan(work: Branch, solution: Solution, kind: str) -> Proposal | None:
    """The first plan that the budget suffices for; those before it are passed over, as if they had given no score."""
    trials = _trials(work, kind)
    for _ in range(_MOST_PASSED_OVER + 1):
        plan = work.proposer.plan(solution, kind, trials)
        if plan is None or work.affordable(plan.solution):
            return plan
        block = plan.solution.blocks[kind]
        trials.append(Trial(block.name, block.parameters))
    return None


def _trials(work: Branch, kind: str) -> list[Trial]:
    """What was tried for a block so far, in the order in which it was tried."""
    trials = []
    for entry in work.candidates.entries:
        if block := work.candidates.solution(entry.id).blocks.get(kind):
            trials.append(Trial(block.name, block.parameters, _likely_score(work, entry)))
    return trials


def _likely_score(work: Branch, entry: Candidate) -> float | None:
    """Its score; where it was given up after some folds, the best candidate's with the difference on these."""
    if entry.status != "pruned" or not entry.fold_scores:
        return entry.score if entry.status == "ok" else None
    best = work.candidates.best
    difference = np.mean(entry.fold_scores) - np.mean(best.fold_scores[: len(entry.fold_scores)])
    return float((best.score or 0.0) + difference)


def _plan(
    work: Branch, before: Candidate, evaluation: Evaluation, name: str, parameters: dict[str, Any]
) -> dict[str, Any]:
    gains = work.differences(evaluation.fold_scores, before.fold_scores)
    return {
        "id": evaluation.solution.id,
        "name": name,
        "parameters": parameters,
        "score": evaluation.score,
        "gain": float(np.mean(gains)) if gains else None,
        "standard_error": work.harness.standard_error(gains) if len(gains) > 1 else None,
        "status": evaluation.status,
    }
