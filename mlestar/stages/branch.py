"""A branch at work: try solutions within the budget, keep what ran, tell who watches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from math import inf
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from mlestar.evaluation import Evaluation, Harness, Interrupted
from mlestar.progress import emit
from mlestar.recipes import RecipeProposer, plain_solution, static_cost
from mlestar.solution import Solution
from mlestar.stages.budget import FITS_SHARE, Spent, StageBudget
from mlestar.stages.candidates import Candidate, Candidates
from mlestar.stages.environment import cores, ending_early
from mlestar.stages.labels import bare
from mlestar.stages.refits import CERTAINTY, refit
from mlestar.stages.scoped import Scoped, open_harness

__all__ = ["Branch", "open_branch"]

_BEHIND = 2.0  # times the noise of the best candidate's score, from which a candidate is given up,
_LEAST_BEHIND, _MOST_BEHIND = 0.01, 0.1  # but not within so much, and never beyond, of its lead over trivial
_UNCERTAIN = 0.7  # times what a model that has not been fitted yet is expected to take: it may well take less
_LONGEST_FIT = 0.35  # of what the stage has left when a candidate starts, where all folds are to run
_FITS_OF_AN_ENSEMBLE = 5.0  # times what one of the best takes: three members, three times, on the cores
_LEAST_ROUNDS = 2  # in which the folds of a candidate run, however many cores there are: it may be given up between


class Branch:
    """One stage of one branch.

    Parameters
    ----------
    scoped : Scoped
    harness : Harness
    candidates : Candidates
        What the stages before have tried; grows here.
    budget : StageBudget
    branch, step : int
    stage : str
    """

    def __init__(
        self,
        scoped: Scoped,
        harness: Harness,
        candidates: Candidates,
        budget: StageBudget,
        *,
        stage: str,
        branch: int,
        step: int,
    ) -> None:
        self.scoped, self.harness, self.candidates, self.budget = scoped, harness, candidates, budget
        self.stage, self.branch, self.step = stage, branch, step
        branches = scoped.scope.pipeline.branches
        self.proposer = RecipeProposer(scoped.task, seed=scoped.task.seed, branch=branch, branches=branches)
        self._noises: dict[str, float] = {}  # of scores, by the candidate
        self._lanes = max(cores() / scoped.scope.pipeline.branches, 1.0)
        if candidates.best_id:
            self._keep_time_to_ship()

    def evaluate(
        self,
        solution: Solution,
        name: str,
        *,
        parent: str | None = None,
        block: str | None = None,
        folds: int | None = None,
        required: bool = False,
    ) -> Evaluation | None:
        """Evaluate a solution and note it among the candidates.

        None when it is not :meth:`affordable`, or was cut off because the run is to end early.

        Parameters
        ----------
        parent, block : str, optional
            Which candidate it came from, by changing which block.
        folds : int, optional
            Run on so many folds, however it does; by default on all, unless it is hopeless after the first ones. In any
            case it ends after these where it is another candidate in other words.
        required : bool
            Run it to its end whether it is affordable or not.
        """
        if not required and not self.affordable(solution, folds):
            return None
        longest = self._longest_fit(_LONGEST_FIT if folds is None else 1.0)
        expected, before = self._fit_seconds(solution), self.budget.seconds

        def give_up(scores: Sequence[float]) -> str | None:
            nonlocal longest, expected
            taken = self.budget.seconds - before
            if not self.budget.counted:  # the first folds have shown what a fit may take
                longest, expected = max(longest, taken), max(expected, taken)
            if required:
                return None
            return self._repeated(solution, scores) or (
                self._reason_to_stop(solution, scores, taken) if folds is None else None
            )

        self._emit("evaluating", name=name)
        try:
            evaluation = self.harness.evaluate(
                solution,
                # The last folds may overdraw the budget: cut off there, those before would have been in vain.
                seconds=lambda: min(longest, max(self._longest_fit(), expected)),
                give_up=give_up,
                folds=folds,
            )
        except Interrupted:
            return None
        self.budget.charge(
            stored_seconds=evaluation.stored_seconds, evaluations=evaluation.fits, executed=evaluation.executed
        )
        known = self.candidates.find(solution.id)
        if known is None or (known.status == "pruned" and evaluation.ok):
            self._note(evaluation, name, parent, block)
        return evaluation

    def affordable(self, solution: Solution, folds: int | None = None) -> bool:
        """Whether the budget is likely to suffice for all folds, or for so many, without a fit that is cut off."""
        if self._left <= 0:
            return False
        if self.budget.counted:
            return folds is not None or self._left >= len(self.harness.folds) / 2
        fit, count = self._fit_seconds(solution), self.harness.fits(solution, self.harness.folds[:folds])
        fit *= 1.0 if self._measured(solution) else _UNCERTAIN
        rounds = max(count / self._lanes, min(count, _LEAST_ROUNDS))
        longest = self._longest_fit(_LONGEST_FIT if folds is None else 1.0)
        return fit <= longest and fit * rounds <= self._left

    @property
    def _left(self) -> float:
        """Of the budget; a branch that has nothing yet may take what its later stages would improve on that with."""
        return self.budget.left if self.candidates.best_id else self.budget.left_of_branch

    def _longest_fit(self, share: float = 1.0) -> float:
        return self.budget.fit_seconds(share) if self.budget.counted else max(self._left * share, 0.0)

    def expected_seconds(self, solution: Solution) -> float:
        """What one fold of a solution is likely to take of the budget."""
        return self._fit_seconds(solution) / self._lanes

    def _fit_seconds(self, solution: Solution) -> float:
        """What one fit is likely to take: what those of the same model took, or all others, or the plain baseline.

        Measured seconds are compared by the static costs of recipes. Of a fit that was cut off it is known that it
        takes longer than it was given; what other models take, it does not tell.
        """
        task = self.scoped.task
        rates = [
            each.seconds / (len(each.fold_scores) + (each.status == "timeout")) / each.cost
            for each in self._measured(solution) or [each for each in self._measured() if each.status != "timeout"]
        ]
        return median(rates or [self._plain_rate]) * static_cost(solution, task)

    @cached_property
    def _plain_rate(self) -> float:
        """Seconds that a fit of the plain baseline took, by its static cost."""
        task = self.scoped.task
        return self.scoped.seconds_per_evaluation / static_cost(plain_solution(task), task)

    def _measured(self, like: Solution | None = None) -> list[Candidate]:
        """Candidates of which it is known what a fit takes, all or those with the same model."""
        return [
            each
            for each in self.candidates.entries
            if each.status in ("ok", "pruned", "timeout")
            and (like is None or each.recipes["model"] == like.blocks["model"].name)
        ]

    def is_better(self, evaluation: Evaluation | None) -> bool:
        """Whether it beats the branch's best."""
        if evaluation is None or not evaluation.ok or evaluation.score is None:
            return False
        best = self.candidates.best.score if self.candidates.best_id else None
        return best is None or self.harness.gain(evaluation.score, best) > 0

    def accept(self, solution: Solution) -> None:
        """Go on from this candidate."""
        self.candidates.best_id = solution.id
        self._keep_time_to_ship()

    def _keep_time_to_ship(self) -> None:
        best = self.candidates.best
        fold_seconds = best.seconds / len(best.fold_scores)
        solution, rows = self.candidates.solution(best.id), len(self.harness.y)
        if self.scoped.plan.rows is None:  # else its fit is planned for already, and may be on fewer rows
            fit = refit(bare(solution), fold_seconds, self.harness.folds, rows, self.scoped.task)
            several = 0.0 if self.scoped.is_constrained else fit.seconds * _FITS_OF_AN_ENSEMBLE
            self.budget.keep(max(fit.seconds, min(several, FITS_SHARE * self.scoped.plan.total)) / CERTAINTY)

    def differences(self, new: Sequence[float], old: Sequence[float]) -> list[float]:
        """Gain of ``new`` over ``old``, fold by fold."""
        return [self.harness.gain(each, other) for each, other in zip(new, old, strict=False)]

    def _reason_to_stop(self, solution: Solution, scores: Sequence[float], taken: float) -> str | None:
        """Why to give up a candidate whose first folds have these scores and took so many seconds."""
        folds = self.harness.folds
        fits = self.harness.fits(solution, folds[: len(scores)])
        rest = taken / fits * (self.harness.fits(solution, folds) - fits)
        left = self.budget.left_of_branch if self.leads(scores) else self.budget.left
        if not self.budget.counted and rest > left + taken / fits:
            return f"after {len(scores)} folds in {taken:.1f} s, the others would take longer than is left"
        return self._hopeless(solution, scores)

    def leads(self, scores: Sequence[float]) -> bool:
        """Whether the scores of the first folds are better than the best candidate's, which may be none yet."""
        if self.candidates.best_id is None:
            return True
        return bool(scores) and sum(self.differences(scores, self.candidates.best.fold_scores)) > 0

    def best_of(self, model: str) -> Candidate | None:
        """The best candidate with a model, if one ran to its end."""
        found = [each for each in self.candidates.entries if each.status == "ok" and each.recipes["model"] == model]
        return max(found, key=lambda each: self.harness.gain(each.score or 0.0, 0.0), default=None)

    def _hopeless(self, solution: Solution, scores: Sequence[float]) -> str | None:
        """Whether it is too far behind the best one, or is nowhere better than the same model was.

        Another model may be worth its folds for an ensemble, where it errs on other rows: not when it is further behind
        than noise can tell, which is little where rows are many and the target is clear.
        """
        if self.candidates.best_id is None:
            return None
        if (share := self._share_of_lead(scores)) < self._least_share:
            return f"after {len(scores)} folds {share:.1%} of the best candidate's lead over the trivial baseline"
        alike = self.best_of(solution.blocks["model"].name)
        if alike and all(each <= 0 for each in self.differences(scores, alike.fold_scores)):
            return f"no better than the best candidate with the same model on any of the first {len(scores)} folds"
        return None

    def _repeated(self, solution: Solution, scores: Sequence[float]) -> str | None:
        """Whether it seems to predict as another one with the same model: a change of a block need not change anything.

        Labels may well be as often right and be others.
        """
        if self.harness.metric.needs == "label":
            return None
        model = solution.blocks["model"].name
        others = (each for each in self.candidates.entries if each.status == "ok" and each.id != solution.id)
        alike = (each for each in others if each.recipes["model"] == model)
        same = next((each for each in alike if each.fold_scores[: len(scores)] == list(scores)), None)
        return f"on each of the first {len(scores)} folds it scores what {same.name!r} does" if same else None

    def is_far_behind(self, candidate: Candidate) -> bool:
        """Whether another model would be given up with these scores, by what is the best candidate now."""
        return self._share_of_lead(candidate.fold_scores) < self._least_share

    def _share_of_lead(self, scores: Sequence[float]) -> float:
        """What the first folds have of the best one's lead over the trivial baseline there; 1 where it has none."""
        trivial, best = self.scoped.baseline["score"], self.candidates.best.fold_scores[: len(scores)]
        lead, mine = (np.mean([self.harness.gain(each, trivial) for each in part]) for part in (best, scores))
        return float(mine / lead) if lead > 0 else 1.0

    @property
    def _least_share(self) -> float:
        """Of the best candidate's lead: what lacks more is behind by more than noise can tell."""
        best = self.candidates.best
        lead = self.harness.gain(best.score or 0.0, self.scoped.baseline["score"])
        return 1 - float(np.clip(_BEHIND * self._noise(best) / lead, _LEAST_BEHIND, _MOST_BEHIND)) if lead > 0 else 0.0

    def _noise(self, candidate: Candidate) -> float:
        """Standard error of a score: of the folds, which differ, or of the rows, where few folds happen to agree."""
        if self.harness.metric.needs == "label" and "postprocess" in candidate.recipes:
            return inf  # of labels that are chosen on other folds, the predictions alone do not tell
        if candidate.id not in self._noises:
            by_rows = self.harness.noise(self.candidates.predictions[candidate.id])
            self._noises[candidate.id] = max(by_rows, candidate.standard_error or 0.0)
        return self._noises[candidate.id]

    def _note(self, evaluation: Evaluation, name: str, parent: str | None, block: str | None) -> None:
        solution = evaluation.solution
        entry = Candidate(
            id=solution.id,
            branch=self.branch,
            stage=self.stage,
            step=self.step,
            name=name,
            parent=parent,
            block=block,
            recipes={kind: each.name for kind, each in solution.blocks.items()},
            parameters={kind: each.parameters for kind, each in solution.blocks.items()},
            status=evaluation.status,
            reason=evaluation.reason,
            score=evaluation.score,
            standard_error=self.harness.standard_error(evaluation.fold_scores) if evaluation.ok else None,
            fold_scores=list(evaluation.fold_scores),
            seconds=round(evaluation.seconds, 3),
            cost=static_cost(solution, self.scoped.task),
            peak_mb=round(evaluation.peak_mb, 1),
            order=1 + max((each.order for each in self.candidates.entries), default=-1),
            elapsed=round(self._elapsed(), 3),
        )
        self.candidates.add(evaluation, entry, self.harness.program(solution))
        known = [each.score for each in self.candidates.entries if each.status == "ok" and each.score is not None]
        best = max(known, key=lambda score: self.harness.gain(score, 0.0), default=None)
        self._emit(
            "evaluated",
            name=name,
            score=entry.score,
            status=entry.status,
            best=best,
            candidates=len(self.candidates.entries),
        )

    def _emit(self, event: str, **fields: Any) -> None:
        place = {"stage": self.stage, "branch": self.branch, "step": self.step or None}
        emit(event, **place, share=round(self.budget.share, 4), **fields)

    def _elapsed(self) -> float:
        """Seconds charged to the branch so far."""
        return sum(each["seconds"] for each in self.candidates.history["spent"]) + self.budget.seconds


@contextmanager
def open_branch(
    stage: str, scope_dir: Path, train_dir: Path, candidates_dir: Path | None, store: str, *, branch: int, step: int = 0
) -> Iterator[Branch]:
    """Open a stage of a branch, which goes on from ``candidates_dir``; what it spent is noted when it ends."""
    scoped = Scoped.read(scope_dir)
    candidates = Candidates.read(candidates_dir) if candidates_dir else Candidates()
    steps_left = scoped.scope.pipeline.outer_steps - step
    budget = StageBudget(
        scoped.plan,
        stage,
        spent=[Spent.model_validate(each) for each in candidates.history["spent"]],
        carries=stage != "ablate",  # ablations only measure; what is left over is for refinement
        lanes=max(cores() / scoped.scope.pipeline.branches, 1.0),
        after=[
            *(["refine"] if stage == "ablate" else []),
            *(["ablate", "refine"] * steps_left),
            *("ensemble", "validate", "finalize"),
        ],
        branch=branch,
        step=step,
    )
    with open_harness(scoped, train_dir, store, ending_early) as harness:
        work = Branch(scoped, harness, candidates, budget, stage=stage, branch=branch, step=step)
        yield work
    candidates.history["spent"].append(budget.spent(branch, step))
