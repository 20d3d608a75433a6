"""ensemble: combine the candidates of all branches, fit the judged model on all training rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mlestar.data.tables import read_arrow, write_arrow
from mlestar.errors import BudgetError
from mlestar.evaluation import CandidateFailure, Harness, Limits
from mlestar.evaluation.folds import some_rows
from mlestar.files import write_json
from mlestar.private_folders import private_folder
from mlestar.progress import emit
from mlestar.recipes import find_recipe, static_cost
from mlestar.solution import FIT_THREADS, Block, Solution, render
from mlestar.stages.budget import FIT_AND_REFIT, StageBudget
from mlestar.stages.candidates import Candidate, Candidates
from mlestar.stages.choices import Choice, account, passed_over, ranked, repeated
from mlestar.stages.environment import cores
from mlestar.stages.failures import why_nothing_ran
from mlestar.stages.labels import bare, with_fixed_labels
from mlestar.stages.model import MODEL_FILE, ModelFacts, fit_and_save, write_model
from mlestar.stages.reasons import member_reason, program_reason
from mlestar.stages.refits import CERTAINTY, Refit, refit, seconds_together
from mlestar.stages.scoped import Scoped, memory_limit_mb, open_harness
from mlestar.stages.weights import Weigh, average, greedy, nested_scores

__all__ = ["ensemble"]

_MOST_CANDIDATES = 12  # that an ensemble is chosen from
_MOST_ALIKE = 4  # of them, with the same model: they add less to each other than another model does
_AVERAGED = 3  # with equal weights, of the best with different models
_LEAST_WEIGHT = 0.05
_SECOND_LEVEL_SECONDS = 30.0
_ONCE_SHARE = 0.6  # of what is left of the run, that a fit may take which is not repeated in finalize
_PLACE: dict[str, Any] = {"stage": "ensemble", "branch": None, "step": None}  # of events


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
        affordable = _Affordable(scoped, harness, budget)
        choices = _choices(scoped, harness, merged, budget, affordable)
        order = ranked(harness, choices)
        chosen, program, fitted = _fit_first(scoped, harness, merged, order, train_dir, model_dir, budget, affordable)
    merged.best_id = chosen.members[0][0].id
    merged.history["spent"].append(budget.spent())
    merged.write(model_dir)
    write_json(model_dir / "ensemble.json", account(harness, choices, chosen))
    facts = ModelFacts(
        kind="judged",
        solution=chosen.solution.digest,
        task=scoped.task,
        metric=scoped.task.metric,
        score=chosen.score,
        members=[member.name for member, _ in chosen.members],
        **fitted,
        notes=[*_in_part(fitted["fit_rows"], len(harness.y)), *passed_over(harness, merged.entries, choices, chosen)],
    )
    write_model(model_dir, program, facts)


def _merged(branches: Sequence[Candidates]) -> Candidates:
    """All branches in one; a solution that several tried is kept once: where it ran on all folds, and that first."""
    merged = Candidates()
    for candidates in branches:
        for entry in candidates.entries:
            known = merged.find(entry.id)
            if known is None or _precedence(entry) < _precedence(known):
                merged.append(entry)
        merged.programs |= candidates.programs
        merged.predictions |= candidates.predictions
        for key, rows in candidates.history.items():
            merged.history[key] += rows
    return merged


def _precedence(entry: Candidate) -> tuple[bool, int]:
    return entry.status != "ok", entry.order


def _choices(
    scoped: Scoped, harness: Harness, merged: Candidates, budget: StageBudget, affordable: _Affordable
) -> list[Choice]:
    """The best single candidates, and the ensembles that the rest of the run can afford to fit."""
    scored = sorted(
        (entry for entry in merged.entries if entry.status == "ok"),
        key=lambda entry: -harness.gain(entry.score or 0.0, 0.0),
    )
    if not scored:
        raise BudgetError("ensemble: no branch delivered a candidate that ran; give the run a larger budget")
    different = [each for place, each in enumerate(scored) if not _repeats(merged, each, scored[:place])]
    pool = _pool([each for each in different if affordable.rows(bare(merged.solution(each.id)), [each])])
    choices = [_single(harness, merged, budget, each) for each in pool[:3]]
    if different[0] not in pool[:1] and affordable(bare(merged.solution(different[0].id)), different[:1], once=True):
        dearest = _single(harness, merged, budget, different[0])
        choices.append(replace(dearest, method=f"{dearest.method}, fitted once", once=True))
    if not choices:
        choices = [_single(harness, merged, budget, min(scored, key=lambda each: each.seconds))]
    for number, choice in enumerate(_ensembles(scoped, harness, merged, pool, affordable, budget), start=1):
        choices.append(choice)
        best = max((each.score for each in choices), key=lambda score: harness.gain(score, 0.0))
        emit("evaluated", **_PLACE, name=choice.method, score=choice.score, status="ok", best=best, candidates=number)
    return choices


def _ensembles(
    scoped: Scoped,
    harness: Harness,
    merged: Candidates,
    pool: Sequence[Candidate],
    affordable: _Affordable,
    budget: StageBudget,
) -> Iterator[Choice]:
    """The best candidates combined in several ways, as long as the budget lasts; the best one's postprocess follows."""
    if len(pool) < 2:
        return
    postprocess = merged.solution(pool[0].id).postprocess
    stack = np.stack([merged.predictions[each.id] for each in pool], axis=1)

    def shipped(weigh: Weigh) -> Weigh:
        """The weights as they would ship: the nested folds judge these, and not an ensemble that is larger."""

        def weighed(harness: Harness, stack: np.ndarray, rows: np.ndarray) -> np.ndarray:
            weights = weigh(harness, stack, rows)
            return _kept(pool, weights, lambda members: affordable(_combined(merged, members), members))

        return weighed

    first_of_each = {each.recipes["model"]: place for place, each in reversed(list(enumerate(pool)))}
    plans: list[tuple[str, Weigh]] = [
        ("average of {} models", average(sorted(first_of_each.values())[:_AVERAGED])),
        ("greedy", greedy),
    ]
    found: set[tuple[float, ...]] = set()
    for method, weigh in plans[: scoped.scope.pipeline.ensemble_rounds]:
        if budget.exhausted:
            return
        weights = shipped(weigh)(harness, stack, np.flatnonzero(np.isfinite(stack).all(axis=(1, 2))))
        members = [(pool[place], float(weights[place])) for place in np.argsort(-weights, kind="stable")]
        members = [(each, weight) for each, weight in members if weight > 0]
        if len(members) > 1 and tuple(weights) not in found:
            found.add(tuple(weights))
            nested = nested_scores(harness, stack, shipped(weigh))
            yield _ensemble(harness, merged, method.format(len(members)), members, postprocess, nested, budget)


def _pool(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The candidates that an ensemble is chosen from: the best, but not too many with the same model."""
    taken: Counter[str] = Counter()
    pool = []
    for each in ranked:
        taken[each.recipes["model"]] += 1
        if taken[each.recipes["model"]] <= _MOST_ALIKE:
            pool.append(each)
    return pool[:_MOST_CANDIDATES]


def _repeats(merged: Candidates, candidate: Candidate, better: Sequence[Candidate]) -> bool:
    """Whether a better candidate predicts the same: a change of a block need not change anything."""
    mine = merged.predictions[candidate.id]
    same_score = [each for each in better if each.fold_scores == candidate.fold_scores]
    return any(np.allclose(merged.predictions[each.id], mine, rtol=1e-9, equal_nan=True) for each in same_score)


def _single(harness: Harness, merged: Candidates, budget: StageBudget, candidate: Candidate) -> Choice:
    choice = Choice(
        "best",
        merged.solution(candidate.id),
        ((candidate, 1.0),),
        candidate.score or 0.0,
        tuple(candidate.fold_scores),
    )
    return _with_fixed_labels(harness, merged, budget, choice)


def _with_fixed_labels(harness: Harness, merged: Candidates, budget: StageBudget, choice: Choice) -> Choice:
    """The choice as it ships, without what would be fitted on out-of-fold predictions.

    Where labels cannot be fixed they are the most probable classes, and the score is that of these.
    """
    if not choice.solution.needs_out_of_fold:
        return choice
    stack = np.stack([merged.predictions[member.id] for member, _ in choice.members], axis=1)
    seconds = _second_level_seconds(budget)
    if fixed := with_fixed_labels(harness, choice.solution, stack, seconds=seconds):
        return replace(choice, solution=fixed)
    plain = bare(choice.solution)
    evaluation = harness.evaluate(plain, seconds=seconds)  # its fits are all in the store
    if not evaluation.ok or evaluation.score is None:
        return choice
    method = f"{choice.method}, no postprocess"
    return replace(
        choice, method=method, solution=plain, score=evaluation.score, fold_scores=tuple(evaluation.fold_scores)
    )


class _Affordable:
    """Whether the run has now the time to fit a solution, here and again in finalize, judged by what its folds took.

    Where candidates were compared on some of the rows, a second fit would take much and add little: then once will do.
    """

    def __init__(self, scoped: Scoped, harness: Harness, budget: StageBudget) -> None:
        self._scoped, self._harness, self._budget = scoped, harness, budget

    def __call__(self, solution: Solution, members: Sequence[Candidate], *, once: bool = False) -> bool:
        return self._budget.counted or self.refit(solution, members).seconds <= self._seconds(once=once)

    def rows(self, solution: Solution, members: Sequence[Candidate], *, once: bool = False) -> int:
        """On how many of the training rows it can be fitted; 0 where these are too few.

        All of them, or where candidates were compared on some, at least as many.
        """
        known, compared = len(self._harness.y), self._scoped.plan.rows
        if self(solution, members, once=once):
            return known
        found = int(known * self._seconds() / self.refit(solution, members).seconds)
        return found if compared and found >= compared else 0

    def repeatedly(self, solution: Solution, members: Sequence[Candidate]) -> bool:
        """Whether members may be fitted several times: where that takes little of the run, and predictions may."""
        constraints = self._scoped.scope.constraints
        if constraints.predict_ms_p95 or constraints.model_mb or self._budget.counted:
            return False
        most = self._scoped.plan.stages["ensemble"] * CERTAINTY
        return self(solution, members) and self.refit(solution, members).seconds <= most

    def _seconds(self, *, once: bool = False) -> float:
        once = once or self._scoped.plan.rows is not None
        return _fit_seconds(self._scoped, self._budget, once=once) * CERTAINTY

    def refit(self, solution: Solution, members: Sequence[Candidate]) -> Refit:
        """What it takes on all training rows; a run that counts fits is the same with any number of cores."""
        fits = [each.seconds / len(each.fold_scores) for each in members] * solution.fits
        harness = self._harness
        found = refit(solution, seconds_together(fits), harness.folds, len(harness.y), harness.task)
        return found._replace(threads=FIT_THREADS) if self._budget.counted else found


def _combined(merged: Candidates, members: Sequence[Candidate]) -> Solution:
    """The members averaged."""
    return _weighted(merged, members, tuple(1 / len(members) for _ in members), None)


def _weighted(
    merged: Candidates, members: Sequence[Candidate], weights: tuple[float, ...], postprocess: Block | None
) -> Solution:
    return Solution(
        tuple(merged.solution(each.id).members[0] for each in members),
        find_recipe("combine", "weighted").block({"weights": weights}),
        postprocess,
    )


def _kept(
    pool: Sequence[Candidate], weights: np.ndarray, affordable: Callable[[Sequence[Candidate]], bool]
) -> np.ndarray:
    """The weights that are worth a fit, heaviest first, as many as can be afforded, at least one; they sum to one."""
    first, *others = np.argsort(-weights, kind="stable")
    kept = [first]
    for place in others:
        if weights[place] >= _LEAST_WEIGHT and affordable([pool[each] for each in (place, *kept)]):
            kept.append(place)
    found = np.zeros(len(weights))
    found[kept] = (weights[kept] / weights[kept].sum()).round(4)
    found[first] = round(1.0 - found[kept[1:]].sum(), 4)  # what rounding took or gave goes to the heaviest
    return found


def _ensemble(
    harness: Harness,
    merged: Candidates,
    method: str,
    members: Sequence[tuple[Candidate, float]],
    postprocess: Block | None,
    fold_scores: list[float],
    budget: StageBudget,
) -> Choice:
    candidates, weights = zip(*members, strict=True)
    solution = _weighted(merged, candidates, weights, postprocess)
    if postprocess is not None:
        # The nested scores are of the plain combination; what comes after it is fitted in the worker, nested as well.
        evaluation = harness.evaluate(solution, seconds=_second_level_seconds(budget))
        fold_scores = list(evaluation.fold_scores) if evaluation.ok else fold_scores
    choice = Choice(method, solution, tuple(members), float(np.mean(fold_scores)), tuple(fold_scores))
    return _with_fixed_labels(harness, merged, budget, choice)


def _second_level_seconds(budget: StageBudget) -> Callable[[], float]:
    """How long what comes after the members may take: where a run counts fits, no machine is too slow for it."""
    return lambda: budget.fit_seconds() if budget.counted else _SECOND_LEVEL_SECONDS


def _fit_seconds(scoped: Scoped, budget: StageBudget, *, once: bool) -> float:
    """How long a fit on all training rows may take: as long again, with some more rows, takes that of finalize."""
    if once:
        late = scoped.plan.stages.get("validate", 0.0) + scoped.plan.stages.get("finalize", 0.0)
        return max(budget.last_resort_seconds() * _ONCE_SHARE, budget.last_resort_seconds() - late)
    if budget.counted:
        return budget.fit_seconds()
    return max(budget.last_resort_seconds() - scoped.plan.stages["validate"], 0.0) / FIT_AND_REFIT


def _fit_first(
    scoped: Scoped,
    harness: Harness,
    merged: Candidates,
    order: Sequence[Choice],
    train_dir: Path,
    model_dir: Path,
    budget: StageBudget,
    affordable: _Affordable,
) -> tuple[Choice, str, dict[str, Any]]:
    """Fit the best choice on all training rows; where that fails or takes too long, the next best.

    Returns the choice, its program, and what there is to tell of its fit.
    What choosing, or a fit that failed, has left no time for is passed over. Something has to be delivered: the
    cheapest choice may take the time of the stages that come after.
    """
    failures = []
    cheapest = min(order, key=lambda each: _cost(scoped, each, budget))
    for offered in [*order, cheapest]:
        members, is_last = [member for member, _ in offered.members], offered is cheapest
        choice = repeated(offered)
        if not affordable.repeatedly(choice.solution, members):
            choice = offered
        rows = affordable.rows(choice.solution, members, once=choice.once)
        if not rows and not is_last:
            continue
        program = _rendered(scoped, harness, merged, choice)
        rows = rows or scoped.plan.rows or len(harness.y)
        # Longer than it is expected to take, as long as it need not be repeated: cut off, it would be in vain.
        seconds = _fit_seconds(scoped, budget, once=not budget.counted)
        if is_last and not choice.once:
            seconds = budget.last_resort_seconds()
        limits = Limits(seconds=seconds, memory_mb=memory_limit_mb() * cores())
        emit("evaluating", **_PLACE, name=f"fit of {choice.named}")
        try:
            threads = affordable.refit(choice.solution, members).threads
            with _some_of(train_dir, harness, rows) as data_dir:
                path = model_dir / MODEL_FILE
                taken = fit_and_save(harness.workers, program, scoped.task, data_dir, path, limits, threads=threads)
        except CandidateFailure as failure:
            failures.append((failure.status, failure.reason))
            continue
        return choice, program, {"fit_seconds": round(taken, 3), "fit_rows": rows, "fit_threads": threads}
    raise BudgetError(f"ensemble: nothing could be fitted on all training rows: {why_nothing_ran(failures)}")


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


def _in_part(rows: int, known: int) -> list[str]:
    """What to note where the fit had not the time for all rows."""
    if rows >= known:
        return []
    return [f"the judged model was fitted on {rows:,} of the {known:,} training rows: the budget had no time for more"]


def _rendered(scoped: Scoped, harness: Harness, merged: Candidates, choice: Choice) -> str:
    """The program, with the reasons for it."""
    metric = scoped.task.metric
    reason = program_reason(
        metric,
        choice.score,
        harness.standard_error(choice.fold_scores),
        members=len(choice.members),
        scored=sum(each.status == "ok" for each in merged.entries),
        tried=len(merged.entries),
        plain=scoped.plain_score,
    )
    reasons = [member_reason(metric, merged, member, weight) for member, weight in choice.members]
    if len(reasons) > 1:
        return render(choice.solution, scoped.task, notes=[reason], member_notes=reasons)
    return render(choice.solution, scoped.task, notes=list(filter(None, [reason, *reasons])))


def _cost(scoped: Scoped, choice: Choice, budget: StageBudget) -> float:
    """What fitting a choice costs: measured, or by its recipes where seconds must not decide anything."""
    if budget.counted:
        return static_cost(choice.solution, scoped.task)
    return sum(member.seconds for member, _ in choice.members)
