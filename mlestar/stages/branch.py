"""A branch at work: try solutions within the budget, keep what ran, tell who watches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from mlestar.evaluation import Evaluation, Harness
from mlestar.progress import emit
from mlestar.recipes import static_cost
from mlestar.solution import Solution, render
from mlestar.stages.budget import Spent, StageBudget
from mlestar.stages.candidates import Candidate, Candidates
from mlestar.stages.environment import cores
from mlestar.stages.scoped import Scoped, open_harness

__all__ = ["Branch", "open_branch"]

_HOPELESS_SKILL = 0.9  # of the best candidate's lead over the trivial baseline, below which a candidate is given up
_OPTIMISM = (
    1.3  # times what is left that a candidate may be expected to take: estimates are rough, and fits are cut off
)
_LONGEST_FIT = 0.35  # of what the stage has left, so that no single fit takes it all


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
        self._lanes = max(cores() / scoped.scope.pipeline.branches, 1.0)

    def evaluate(
        self,
        solution: Solution,
        name: str,
        *,
        parent: str | None = None,
        block: str | None = None,
        folds: int | None = None,
    ) -> Evaluation | None:
        """Evaluate a solution and note it among the candidates; None when what is left of the budget does not suffice.

        Parameters
        ----------
        parent, block : str, optional
            Which candidate it came from, by changing which block.
        folds : int, optional
            Run on so many folds, however it does; by default on all, unless it is hopeless after the first ones.
        """
        if self.budget.exhausted or (folds is None and not self._affordable(solution)):
            return None
        evaluation = self.harness.evaluate(
            solution,
            seconds=lambda: self.budget.fit_seconds(_LONGEST_FIT),
            give_up=self._hopeless if folds is None else lambda scores: None,
            folds=folds,
        )
        self.budget.charge(
            stored_seconds=evaluation.stored_seconds, evaluations=evaluation.fits, executed=evaluation.executed
        )
        if self.candidates.find(solution.id) is None:
            self._note(evaluation, name, parent, block)
        return evaluation

    def _affordable(self, solution: Solution) -> bool:
        """Whether the budget is likely to suffice, judged by the static costs of recipes and by what others took."""
        if self.budget.counted:
            return self.budget.left >= len(self.harness.folds) / 2
        if self.candidates.find(solution.id):
            return True
        return self.expected_seconds(solution) * len(self.harness.folds) <= self.budget.left * _OPTIMISM

    def expected_seconds(self, solution: Solution) -> float:
        """What one fold of a solution is likely to take of the budget; 0 while nothing was measured."""
        task = self.scoped.task
        rates = [
            each.seconds / len(each.fold_scores) / static_cost(self.candidates.solution(each.id), task)
            for each in self.candidates.entries
            if each.status in ("ok", "pruned") and each.fold_scores
        ]
        return median(rates) * static_cost(solution, task) / self._lanes if rates else 0.0

    def is_better(self, evaluation: Evaluation | None) -> bool:
        """Whether it beats the branch's best."""
        if evaluation is None or not evaluation.ok or evaluation.score is None:
            return False
        best = self.candidates.best.score if self.candidates.best_id else None
        return best is None or self.harness.gain(evaluation.score, best) > 0

    def accept(self, solution: Solution) -> None:
        """Go on from this candidate."""
        self.candidates.best_id = solution.id

    def differences(self, new: Sequence[float], old: Sequence[float]) -> list[float]:
        """Gain of ``new`` over ``old``, fold by fold."""
        return [self.harness.gain(each, other) for each, other in zip(new, old, strict=False)]

    def _hopeless(self, scores: Sequence[float]) -> str | None:
        """Why to give a candidate up after its first folds: it has too little of the best one's lead over trivial."""
        if self.candidates.best_id is None:
            return None
        best = self.candidates.best.fold_scores[: len(scores)]
        trivial = self.scoped.baseline["score"]
        lead = sum(self.harness.gain(score, trivial) for score in best) / len(best)
        mine = sum(self.harness.gain(score, trivial) for score in scores) / len(scores)
        if lead > 0 and mine < _HOPELESS_SKILL * lead:
            return f"after {len(scores)} folds {mine / lead:.0%} of the best candidate's lead over the trivial baseline"
        return None

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
            status=evaluation.status,
            reason=evaluation.reason,
            score=evaluation.score,
            standard_error=self.harness.standard_error(evaluation.fold_scores) if evaluation.ok else None,
            fold_scores=list(evaluation.fold_scores),
            seconds=round(evaluation.seconds, 3),
            peak_mb=round(evaluation.peak_mb, 1),
            order=len(self.candidates.entries),
            elapsed=round(self._elapsed(), 3),
        )
        self.candidates.add(evaluation, entry, render(solution, self.scoped.task))
        known = [each.score for each in self.candidates.entries if each.status == "ok" and each.score is not None]
        best = max(known, key=lambda score: self.harness.gain(score, 0.0), default=None)
        emit(
            "evaluated",
            branch=self.branch,
            stage=self.stage,
            step=self.step,
            name=name,
            score=entry.score,
            status=entry.status,
            best=best,
            candidates=len(self.candidates.entries),
        )

    def _elapsed(self) -> float:
        """Seconds charged to the branch so far."""
        return sum(each["seconds"] for each in self.candidates.history["spent"]) + self.budget.seconds


@contextmanager
def open_branch(
    stage: str, *, scope_dir: Path, train_dir: Path, candidates_dir: Path | None, store: str, branch: int, step: int
) -> Iterator[Branch]:
    """Open a stage of a branch; what it spent is noted when it ends."""
    scoped = Scoped.read(scope_dir)
    candidates = Candidates.read(candidates_dir) if candidates_dir else Candidates()
    steps_left = scoped.scope.pipeline.outer_steps - step
    budget = StageBudget(
        scoped.plan,
        stage,
        spent=[Spent.model_validate(each) for each in candidates.history["spent"]],
        lanes=max(cores() / scoped.scope.pipeline.branches, 1.0),
        after=[
            *(["refine"] if stage == "ablate" else []),
            *(["ablate", "refine"] * steps_left),
            *("ensemble", "validate", "finalize"),
        ],
    )
    with open_harness(scoped, train_dir, store) as harness:
        work = Branch(scoped, harness, candidates, budget, stage=stage, branch=branch, step=step)
        yield work
    candidates.history["spent"].append(budget.spent(branch, step))
