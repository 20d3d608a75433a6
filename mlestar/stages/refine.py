"""refine: improve the block that promises most, keep the best variant when its gain is likely real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlestar.evaluation import Evaluation
from mlestar.recipes import REACH, Proposal, RecipeProposer, Trial
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
_ANOTHER_MODEL, _FURTHER_BEHIND = 0.4, 0.8  # what the next best model promises, and of that every further one
_LEAST_PROMISE = 0.02  # that is worth the time


def refine(
    *, scope_dir: Path, train_dir: Path, candidates_dir: Path, refined_dir: Path, branch: int, step: int, store: str
) -> None:
    """Try plans for one block after the other, until the stage's budget is used up or no block promises a gain.

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
        exhausted: set[_Target] = set()
        while work.candidates.best_id and not work.budget.exhausted and (target := _most_promising(work, exhausted)):
            if not _refine_block(work, target):
                exhausted.add(target)
    work.candidates.write(refined_dir)


class _Target(NamedTuple):
    """A block to refine: of the best candidate with this model."""

    model: str
    kind: str


def _most_promising(work: Branch, exhausted: set[_Target]) -> _Target | None:
    """The block with the largest promise; None where none promises enough.

    How much a block of the best candidate matters says its ablation, in units of its noise; beyond some of these, a
    larger effect promises no more: that a linear model is far behind does not mean that trees can be improved. A block
    of which an ablated or unfinished variant leads comes first. The best candidates with other models, whose errors an
    ensemble averages with those of the best, promise less, the further behind the less. Every refinement in vain takes
    from a promise: at last there is nothing left that is worth the time.
    """
    best = work.candidates.best
    promises = {_Target(best.recipes["model"], kind): each for kind, each in _promises_of_best(work).items()}
    promises |= {
        _Target(each.recipes["model"], "model"): _ANOTHER_MODEL * _FURTHER_BEHIND**rank
        for rank, each in enumerate(_others(work))
    }
    for target in promises:
        promises[target] *= _FORGETTING ** _in_vain(work, target)
        if target.model == best.recipes["model"] and next(_unfinished(work, best, target.kind), None):
            promises[target] += max(_PRIOR_PROMISE.values())
    left = [each for each in promises if each not in exhausted and promises[each] >= _LEAST_PROMISE]
    return max(left, key=lambda each: promises[each], default=None)


def _promises_of_best(work: Branch) -> dict[str, float]:
    """By kind of block, before anything was refined in vain."""
    promises = {kind: _PRIOR_PROMISE[kind] for kind in RecipeProposer.kinds(work.scoped.task)}
    ablations = work.candidates.history["ablations"]
    effects = {each["block"]: each for each in ablations if each["effect"] is not None}  # the latest of each
    for kind, each in effects.items():
        if kind in promises:
            noise = each["standard_error"] or abs(each["effect"]) or 1.0
            promises[kind] *= 0.5 + min(abs(each["effect"]) / noise, _MATTERS) / (2 * _MATTERS)
    return promises


def _others(work: Branch) -> list[Candidate]:
    """The best candidate of every model but that of the branch's best, as far as they keep up; the best first."""
    models = {each.recipes["model"] for each in work.candidates.entries} - {work.candidates.best.recipes["model"]}
    found = [each for model in sorted(models) if (each := work.best_of(model)) and not work.is_far_behind(each)]
    return sorted(found, key=lambda each: -work.harness.gain(each.score or 0.0, 0.0))


def _in_vain(work: Branch, target: _Target) -> int:
    """How often the block was refined without a gain since the last one that there was."""
    count = 0
    for each in work.candidates.history["refinements"]:
        refined = work.candidates.find(each["before"])
        if refined and (refined.recipes["model"], each["block"]) == target:
            count = 0 if each["accepted"] else count + 1
    return count


def _refine_block(work: Branch, target: _Target) -> bool:
    """Try plans for one block of a candidate; False when there was none left that could be afforded."""
    best = work.candidates.best
    before = best if target.model == best.recipes["model"] else work.best_of(target.model)
    assert before is not None, "it was found among the candidates"
    kind = target.kind
    tried: list[tuple[Evaluation, str, dict[str, Any]]] = []
    unfinished = _unfinished(work, before, kind)
    reach = min(REACH * 2 ** _in_vain(work, target), 1.0)  # near by first; where nothing is found, further away
    while len(tried) < work.scoped.scope.pipeline.inner_steps:
        plan = next(unfinished, None) or _affordable_plan(work, before, kind, reach)
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
    first = max(range(len(plans)), key=lambda each: plans[each]["gain"] if plans[each]["status"] == "ok" else -np.inf)
    gain, error = plans[first]["gain"], plans[first]["standard_error"]
    accepted = plans[first]["status"] == "ok" and gain > _ACCEPTANCE * (error or 0.0)
    evaluation = tried[first][0]
    if accepted and (before.id == best.id or work.is_better(evaluation)):
        work.accept(evaluation.solution)
    work.candidates.history["refinements"].append(
        {
            "branch": work.branch,
            "step": work.step,
            "block": kind,
            "before": before.id,
            "after": evaluation.solution.id if accepted else before.id,
            "plans": plans,
            "gain": gain,
            "standard_error": error,
            "accepted": accepted,
        }
    )
    return True


def _unfinished(work: Branch, before: Candidate, kind: str) -> Iterator[Proposal]:
    """Changes of the block that led on the folds which an ablation had the time for, and were not tried since."""
    tried = {plan["id"] for each in work.candidates.history["refinements"] for plan in each["plans"]}
    for entry in list(work.candidates.entries):
        if (
            entry.status == "pruned"
            and entry.id not in tried
            and (entry.parent, entry.block) == (before.id, kind)
            and work.leads(entry.fold_scores)
        ):
            solution = work.candidates.solution(entry.id)
            if work.affordable(solution):
                yield Proposal(solution, entry.name)


def _affordable_plan(work: Branch, before: Candidate, kind: str, reach: float) -> Proposal | None:
    """The first plan that the budget suffices for; those before it are passed over, as if they had given no score."""
    solution, trials = work.candidates.solution(before.id), _trials(work, before, kind)
    for _ in range(_MOST_PASSED_OVER + 1):
        plan = work.proposer.plan(solution, kind, trials, reach=reach)
        if plan is None or work.affordable(plan.solution):
            return plan
        block = plan.solution.blocks[kind]
        trials.append(Trial(block.name, block.parameters))
    return None


def _trials(work: Branch, before: Candidate, kind: str) -> list[Trial]:
    """What was tried for a block so far, in the order in which it was tried."""
    return [
        Trial(entry.recipes[kind], entry.parameters[kind], _likely_score(work, before, entry))
        for entry in work.candidates.entries
        if kind in entry.recipes
    ]


def _likely_score(work: Branch, before: Candidate, entry: Candidate) -> float | None:
    """Its score; where it was given up after some folds, that of the one before with the difference on these."""
    if entry.status != "pruned" or not entry.fold_scores:
        return entry.score if entry.status == "ok" else None
    difference = np.mean(entry.fold_scores) - np.mean(before.fold_scores[: len(entry.fold_scores)])
    return float((before.score or 0.0) + difference)


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
