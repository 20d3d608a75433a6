"""ensemble: combine the candidates of all branches, fit the judged model on all training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlestar.errors import BudgetError
from mlestar.evaluation import CandidateFailure, Harness, Limits
from mlestar.files import write_json
from mlestar.progress import emit
from mlestar.recipes import find_recipe
from mlestar.solution import Block, Solution, render
from mlestar.stages.budget import StageBudget
from mlestar.stages.candidates import Candidate, Candidates
from mlestar.stages.environment import cores
from mlestar.stages.model import MODEL_FILE, ModelFacts, fit_and_save, write_model
from mlestar.stages.scoped import Scoped, open_harness
from mlestar.stages.weights import Weigh, average, greedy, nested_scores

__all__ = ["ensemble"]

_MOST_CANDIDATES = 12  # that an ensemble is chosen from
_LEAST_WEIGHT = 0.05
_EXPECTED_SHARE = 0.7  # of what a fit may take, what it may be expected to take: estimates are rough
_SECOND_LEVEL_SECONDS = 30.0
_PLACE: dict[str, Any] = {"stage": "ensemble", "branch": None, "step": None}  # of events


@dataclass(frozen=True)
class _Choice:
    """A solution that could be shipped, with its nested score."""

    method: str
    solution: Solution
    members: tuple[tuple[Candidate, float], ...]
    score: float
    fold_scores: tuple[float, ...]


def ensemble(*, scope_dir: Path, train_dir: Path, branch_dirs: Sequence[Path], model_dir: Path, store: str) -> None:
    """Choose between the best candidate and ensembles by nested folds, fit the choice, write the judged model.

    Parameters
    ----------
    branch_dirs : sequence of Path
        The last candidates directory of each branch.
    model_dir : Path
        Model directory to write.

    Raises
    ------
    BudgetError
        When nothing could be fitted on all training rows in the time that is left.
    """
    scoped = Scoped.read(scope_dir)
    merged = _merged([Candidates.read(path) for path in branch_dirs])
    budget = StageBudget(scoped.plan, "ensemble", after=["validate", "finalize"])
    with open_harness(scoped, train_dir, store) as harness:
        choices = _choices(scoped, harness, merged, budget)
        ranked = sorted(choices, key=lambda each: -harness.gain(each.score, 0.0))
        chosen, program, fit_seconds = _fit_first(
            scoped, harness, ranked, len(merged.entries), train_dir, model_dir, budget
        )
    merged.best_id = chosen.members[0][0].id
    merged.history["spent"].append(budget.spent())
    merged.write(model_dir)
    write_json(model_dir / "ensemble.json", _account(harness, choices, chosen))
    facts = ModelFacts(
        kind="judged",
        solution=chosen.solution.digest,
        task=scoped.task,
        metric=scoped.task.metric,
        score=chosen.score,
        members=[member.name for member, _ in chosen.members],
        fit_seconds=round(fit_seconds, 3),
    )
    write_model(model_dir, program, facts)


def _merged(branches: Sequence[Candidates]) -> Candidates:
    """All branches in one; a solution that several tried is kept once."""
    merged = Candidates()
    for candidates in branches:
        for entry in candidates.entries:
            if merged.find(entry.id) is None:
                merged.entries.append(entry)
        merged.programs |= candidates.programs
        merged.predictions |= candidates.predictions
        for key, rows in candidates.history.items():
            merged.history[key] += rows
    return merged


def _choices(scoped: Scoped, harness: Harness, merged: Candidates, budget: StageBudget) -> list[_Choice]:
    """The best single candidates, and the ensembles that the rest of the run can afford to fit."""
    ranked = sorted(
        (entry for entry in merged.entries if entry.status == "ok"),
        key=lambda entry: -harness.gain(entry.score or 0.0, 0.0),
    )
    if not ranked:
        raise BudgetError("ensemble: no branch delivered a candidate that ran; give the run a larger budget")
    postprocess = merged.solution(ranked[0].id).postprocess
    affordable = _Affordable(scoped, harness, postprocess, budget)
    different = [each for place, each in enumerate(ranked) if not _repeats(merged, each, ranked[:place])]
    pool = [each for each in different if affordable([each])][:_MOST_CANDIDATES]
    singles = [
        _Choice("best", merged.solution(each.id), ((each, 1.0),), each.score or 0.0, tuple(each.fold_scores))
        for each in pool[:3] or [min(ranked, key=lambda each: each.seconds)]
    ]
    if len(pool) < 2:
        return singles
    stack = np.stack([merged.predictions[each.id] for each in pool], axis=1)
    plans: list[tuple[str, Weigh]] = [("average of 3", average(3)), ("greedy", greedy), ("average of 5", average(5))]
    found = []
    for method, weigh in plans[: scoped.scope.pipeline.ensemble_rounds]:
        if budget.exhausted:
            break
        weights = weigh(harness, stack, np.flatnonzero(np.isfinite(stack).all(axis=(1, 2))))
        members = _members(pool, weights, affordable)
        if len(members) > 1:
            found.append(_ensemble(harness, merged, method, members, postprocess, nested_scores(harness, stack, weigh)))
            best = max((each.score for each in [*singles, *found]), key=lambda score: harness.gain(score, 0.0))
            emit(
                "evaluated", **_PLACE, name=method, score=found[-1].score, status="ok", best=best, candidates=len(found)
            )
    return singles + found


def _repeats(merged: Candidates, candidate: Candidate, better: Sequence[Candidate]) -> bool:
    """Whether a better candidate predicts the same: a change of a block need not change anything."""
    mine = merged.predictions[candidate.id]
    same_score = [each for each in better if each.fold_scores == candidate.fold_scores]
    return any(np.allclose(merged.predictions[each.id], mine, rtol=1e-9, equal_nan=True) for each in same_score)


class _Affordable:
    """Whether this stage and finalize have the time to fit these members, judged by what their folds took."""

    def __init__(self, scoped: Scoped, harness: Harness, postprocess: Block | None, budget: StageBudget) -> None:
        self._limit = np.inf if budget.counted else _fit_seconds(scoped, budget) * _EXPECTED_SHARE
        share = np.mean([len(fold.train) for fold in harness.folds]) / scoped.task.rows
        crossed = postprocess is not None and postprocess.needs_out_of_fold
        self._fits = (scoped.task.folds + 1 if crossed else 1) / share / len(harness.folds)

    def __call__(self, members: Sequence[Candidate]) -> bool:
        return bool(sum(each.seconds for each in members) * self._fits <= self._limit)


def _members(pool: Sequence[Candidate], weights: np.ndarray, affordable: _Affordable) -> list[tuple[Candidate, float]]:
    """The candidates with a weight worth its fit, heaviest first, as many as can be afforded."""
    members: list[tuple[Candidate, float]] = []
    for place in np.argsort(-weights, kind="stable"):
        if weights[place] >= _LEAST_WEIGHT and affordable([pool[place], *(each for each, _ in members)]):
            members.append((pool[place], float(weights[place])))
    total = sum(weight for _, weight in members)
    rounded = [round(weight / total, 4) for _, weight in members]
    if rounded:  # what rounding took or gave goes to the heaviest, so that probabilities still sum to one
        rounded[0] = round(1.0 - sum(rounded[1:]), 4)
    return [(each, weight) for (each, _), weight in zip(members, rounded, strict=True)]


def _ensemble(
    harness: Harness,
    merged: Candidates,
    method: str,
    members: Sequence[tuple[Candidate, float]],
    postprocess: Block | None,
    fold_scores: list[float],
) -> _Choice:
    weights = tuple(weight for _, weight in members)
    solution = Solution(
        tuple(merged.solution(each.id).members[0] for each, _ in members),
        find_recipe("combine", "weighted").block({"weights": weights}),
        postprocess,
    )
    if postprocess is not None:
        # The nested scores are of the plain combination; what comes after it is fitted in the worker, nested as well.
        evaluation = harness.evaluate(solution, seconds=lambda: _SECOND_LEVEL_SECONDS)
        fold_scores = list(evaluation.fold_scores) if evaluation.ok else fold_scores
    return _Choice(method, solution, tuple(members), float(np.mean(fold_scores)), tuple(fold_scores))


def _fit_seconds(scoped: Scoped, budget: StageBudget) -> float:
    """How long a fit on all training rows may take: as long again, with some more rows, takes that of finalize."""
    if budget.counted:
        return budget.fit_seconds()
    return max(budget.last_resort_seconds() - scoped.plan.stages["validate"], 0.0) / 2


def _fit_first(
    scoped: Scoped,
    harness: Harness,
    ranked: Sequence[_Choice],
    tried: int,
    train_dir: Path,
    model_dir: Path,
    budget: StageBudget,
) -> tuple[_Choice, str, float]:
    """Fit the best choice on all training rows; where that fails or takes too long, the next best.

    Returns the choice, its program, and the seconds that the fit took.
    Something has to be delivered: the cheapest choice may take the time of the stages that come after.
    """
    reasons = []
    cheapest = min(ranked, key=lambda each: sum(member.seconds for member, _ in each.members))
    for choice in [*ranked, cheapest]:
        program = render(choice.solution, scoped.task, notes=_reasons(scoped, harness, choice, tried))
        seconds = _fit_seconds(scoped, budget) if choice is not cheapest else budget.last_resort_seconds()
        limits = Limits(seconds=seconds, memory_mb=harness.memory_mb * cores())
        emit("evaluating", **_PLACE, name=f"fit of {_named(choice)}")
        try:
            taken = fit_and_save(harness.workers, program, scoped.task, train_dir, model_dir / MODEL_FILE, limits)
        except CandidateFailure as failure:
            reasons.append(f"{choice.method}: {failure.reason}")
            continue
        return choice, program, taken
    raise BudgetError(
        f"ensemble: nothing could be fitted on all training rows ({'; '.join(reasons)}); raise the budget"
    )


def _named(choice: _Choice) -> str:
    [(first, _), *others] = choice.members
    return f"the ensemble ({choice.method})" if others else first.name


def _reasons(scoped: Scoped, harness: Harness, choice: _Choice, tried: int) -> list[str]:
    """Why it is this program, for its head."""
    metric, error = scoped.task.metric, harness.standard_error(choice.fold_scores)
    deviation = f" ± {error:.2g}" if error is not None else ""
    found = [
        f"The best of {tried} candidates" if len(choice.members) == 1 else f"An ensemble out of {tried} candidates"
    ]
    found[0] += f", by cross-validation on the training rows: {metric} {choice.score:.5g}{deviation} (standard error)."
    if scoped.plain_score is not None:
        found[0] += f" Plain gradient boosting: {scoped.plain_score:.5g}."
    if len(choice.members) > 1:
        found += [
            f"member_{number}: {metric} {member.score:.5g}, weight {weight:g}."
            for number, (member, weight) in enumerate(choice.members, 1)
        ]
    return found


def _account(harness: Harness, choices: Sequence[_Choice], chosen: _Choice) -> dict[str, Any]:
    """``ensemble.json``."""
    return {
        "method": chosen.method,
        "candidates": [
            {
                "method": each.method,
                "score": each.score,
                "standard_error": harness.standard_error(each.fold_scores),
                "members": [member.id for member, _ in each.members],
            }
            for each in choices
        ],
        "members": [
            {"id": member.id, "name": member.name, "branch": member.branch, "weight": weight, "score": member.score}
            for member, weight in chosen.members
        ],
    }
