"""The fit of what ships: what of the choices there is the time for, on all training rows or on some of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mlestar.data.tables import read_arrow, write_arrow
from mlestar.errors import BudgetError
from mlestar.evaluation import CandidateFailure, Harness, Limits, Workers
from mlestar.evaluation.folds import some_rows
from mlestar.private_folders import private_folder
from mlestar.progress import doing
from mlestar.recipes import static_cost
from mlestar.solution import FIT_THREADS, Solution, render
from mlestar.stages.budget import FIT_AND_REFIT, FITS_SHARE, StageBudget
from mlestar.stages.candidates import Candidate, Candidates
from mlestar.stages.choices import Choice, repeated
from mlestar.stages.environment import cores
from mlestar.stages.failures import why_nothing_ran
from mlestar.stages.model import MODEL_FILE, fit_and_save
from mlestar.stages.reasons import member_reason, program_reason, tables_left_out
from mlestar.stages.refits import CERTAINTY, Refit, refit, seconds_together
from mlestar.stages.scoped import Scoped, memory_limit_mb
from mlestar.validation.served import ServedModel

__all__ = ["Affordable", "fit_first"]

_FITS = (3, 2)  # of each member, where they take little of the run
_CALLS, _ROOM = 40, 0.9  # of one row each, and how much of the latency that the spec allows these may take
_CHOSEN = 1.3  # times what a fit may be expected to take, at most, for what was affordable before the choice took time
_ONCE_SHARE = 0.6  # of what is left of the run, that a fit may take which is not repeated in finalize


class Affordable:
    """Whether the run has now the time to fit a solution, here and again in finalize, judged by what its folds took.

    Where candidates were compared on some of the rows, a second fit would take much and add little: then once will do.
    """

    def __init__(self, scoped: Scoped, harness: Harness, budget: StageBudget) -> None:
        self._scoped, self._harness, self._budget = scoped, harness, budget
        self._before_the_choice = {once: self._seconds(once=once) for once in (False, True)}

    def __call__(self, solution: Solution, members: Sequence[Candidate], *, once: bool = False) -> bool:
        return self._budget.counted or self.refit(solution, members).seconds <= self._seconds(once=once)

    def chosen(self, solution: Solution, members: Sequence[Candidate], *, once: bool = False) -> int:
        """The same as ``rows`` for what was chosen: that choosing took time does not count, unless it was much."""
        now = self._seconds(once=once)
        if self.refit(solution, members).seconds <= min(self._before_the_choice[once], now * _CHOSEN):
            return len(self._harness.y)
        return self.rows(solution, members, once=once)

    def rows(self, solution: Solution, members: Sequence[Candidate], *, once: bool = False) -> int:
        """On how many of the training rows it can be fitted; 0 where these are too few.

        All of them; where candidates were compared on some, at least as many; if it need not be repeated, at least as
        many as a fold trains on, which its score is of.
        """
        known, least = len(self._harness.y), self._scoped.plan.rows
        if self(solution, members, once=once):
            return known
        if once and not least:
            least = min(len(fold.train) for fold in self._harness.folds)
        found = int(known * self._seconds(once=once) / self.refit(solution, members).seconds)
        return found if least and found >= least else 0

    def repeatedly(self, solution: Solution, members: Sequence[Candidate]) -> bool:
        """Whether members may be fitted several times: where that takes little of the run, and predictions may."""
        if self._scoped.is_constrained or self._budget.counted:
            return False
        plan = self._scoped.plan
        most = max(plan.stages["ensemble"] * CERTAINTY, FITS_SHARE * plan.total)
        return self(solution, members) and self.refit(solution, members).seconds <= most

    def _seconds(self, *, once: bool = False) -> float:
        once = once or self._scoped.plan.rows is not None
        return _fit_seconds(self._scoped, self._budget, once=once) * CERTAINTY

    def refit(self, solution: Solution, members: Sequence[Candidate]) -> Refit:
        """What it takes on all training rows; a run that counts fits is the same with any number of cores."""
        fits = [each.seconds / len(each.fold_scores) for each in members] * solution.fits
        harness = self._harness
        together = seconds_together(fits, harness.task)
        found = refit(solution, together, harness.folds, len(harness.y), harness.task)
        return found._replace(threads=FIT_THREADS) if self._budget.counted else found


def fit_first(
    scoped: Scoped,
    harness: Harness,
    merged: Candidates,
    order: Sequence[Choice],
    train_dir: Path,
    model_dir: Path,
    budget: StageBudget,
    affordable: Affordable,
) -> tuple[Choice, str, dict[str, Any]]:
    """Fit the best choice on all training rows; where that fails, takes too long or breaks a constraint, the next best.

    Returns the choice, its program, and what there is to tell of its fit.
    What choosing, or a fit that failed, has left no time for is passed over. Something has to be delivered: the
    cheapest choice may take the time of the stages that come after.
    """
    failures, notes = [], []
    cheapest = min(order, key=lambda each: _cost(scoped, each, budget))
    for place, offered in enumerate([*order, cheapest]):
        members, is_last = [member for member, _ in offered.members], place == len(order)
        several = (repeated(offered, fits) for fits in _FITS if not offered.solution.needs_out_of_fold)
        choice = next((each for each in several if affordable.repeatedly(each.solution, members)), offered)
        rows = affordable.chosen(choice.solution, members, once=choice.once)
        if not rows and not is_last:
            continue
        program = _rendered(scoped, harness, merged, choice)
        rows = rows or scoped.plan.rows or len(harness.y)
        # Longer than it is expected to take, as long as it need not be repeated: cut off, it would be in vain.
        seconds = _fit_seconds(scoped, budget, once=not budget.counted)
        if is_last and not choice.once:
            seconds = budget.last_resort_seconds()
        limits = Limits(seconds=seconds, memory_mb=memory_limit_mb() * cores())
        doing("ensemble", f"fit of {choice.named}")
        try:
            threads = affordable.refit(choice.solution, members).threads
            with _some_of(train_dir, harness, rows) as data_dir:
                path = model_dir / MODEL_FILE
                taken = fit_and_save(harness.workers, program, scoped.task, data_dir, path, limits, threads=threads)
            if broken := _broken_constraint(scoped, harness.workers, program, path, train_dir, limits):
                notes.append(f"{choice.named} {broken}")
                if not is_last:
                    continue
        except CandidateFailure as failure:
            failures.append((failure.status, failure.reason))
            continue
        facts = {"fit_seconds": round(taken, 3), "fit_rows": rows, "fit_threads": threads}
        told = [*_in_part(rows, len(harness.y)), *tables_left_out(choice.solution, scoped.task)]
        return choice, program, {**facts, "notes": [*told, *dict.fromkeys(notes)]}
    raise BudgetError(f"ensemble: nothing could be fitted on all training rows: {why_nothing_ran(failures)}")


def _broken_constraint(
    scoped: Scoped, workers: Workers, program: str, model: Path, train_dir: Path, limits: Limits
) -> str | None:
    """What a fitted model breaks of the spec's constraints, if anything; validate measures the same.

    Where a run counts fits, no time that was measured may decide what ships.
    """
    constraints = scoped.scope.constraints
    size = model.stat().st_size / 1e6
    if constraints.model_mb and size > constraints.model_mb:
        return f"has {size:.3g} MB, of which the spec allows {constraints.model_mb:g}"
    if not constraints.predict_ms_p95 or scoped.plan.mode == "evaluations":
        return None
    rows = read_arrow(train_dir / "features.arrow").iloc[: 1 + _CALLS]
    with private_folder() as scratch:
        task = scoped.task
        served = ServedModel(
            workers, program, model, seed=task.seed, threads=FIT_THREADS, limits=lambda: limits, scratch=scratch
        )
        with closing(served):
            seconds = [served.predict(rows.iloc[[row]]).seconds for row in range(len(rows))][1:]  # the first warms up
    taken = float(np.quantile(seconds, 0.95)) * 1000
    if taken <= constraints.predict_ms_p95 * _ROOM:
        return None
    return f"takes up to {taken:.3g} ms for a row, of which the spec allows {constraints.predict_ms_p95:g}"


def _in_part(rows: int, known: int) -> list[str]:
    """What to note where the fit had not the time for all rows."""
    if rows >= known:
        return []
    return [f"the judged model was fitted on {rows:,} of the {known:,} training rows: the budget had no time for more"]


def _fit_seconds(scoped: Scoped, budget: StageBudget, *, once: bool) -> float:
    """How long a fit on all training rows may take: as long again, with some more rows, takes that of finalize."""
    if once:
        late = scoped.plan.stages.get("validate", 0.0) + scoped.plan.stages.get("finalize", 0.0)
        return max(budget.last_resort_seconds() * _ONCE_SHARE, budget.last_resort_seconds() - late)
    if budget.counted:
        return budget.fit_seconds()
    return max(budget.last_resort_seconds() - scoped.plan.stages["validate"], 0.0) / FIT_AND_REFIT


@contextmanager
def _some_of(train_dir: Path, harness: Harness, rows: int) -> Iterator[Path]:
    """A data directory with so many of the training rows."""
    if rows >= len(harness.y):
        yield train_dir
        return
    with private_folder() as folder:
        taken = some_rows(harness.y, rows, harness.task)
        for name in ("features.arrow", "target.arrow"):
            write_arrow(read_arrow(train_dir / name), folder / name, rows=taken)
        yield folder


def _rendered(scoped: Scoped, harness: Harness, merged: Candidates, choice: Choice) -> str:
    """The program, with the reasons for it."""
    metric = scoped.task.metric
    reason = program_reason(
        metric,
        choice.score,
        harness.standard_error(choice.fold_scores),
        members=len(choice.members),
        statuses=[each.status for each in merged.entries],
        compared_on=_compared_on(scoped),
        plain=scoped.plain_score,
    )
    reasons = [member_reason(metric, merged, member, weight) for member, weight in choice.members]
    if len(reasons) > 1:
        return render(choice.solution, scoped.task, notes=[reason], member_notes=reasons)
    return render(choice.solution, scoped.task, notes=list(filter(None, [reason, *reasons])))


def _compared_on(scoped: Scoped) -> str:
    """The rows, and which of their folds, that scores are of."""
    rows, folds = scoped.plan.rows, scoped.task.folds * scoped.task.repeats
    known = f"{rows:,} of the training rows" if rows else "the training rows"
    used = scoped.plan.folds or folds
    return known if used >= folds else f"{used} of the {folds} folds of {known}"


def _cost(scoped: Scoped, choice: Choice, budget: StageBudget) -> float:
    """What fitting a choice costs: measured, or by its recipes where seconds must not decide anything."""
    if budget.counted:
        return static_cost(choice.solution, scoped.task)
    return sum(member.seconds for member, _ in choice.members)
