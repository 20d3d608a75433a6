"""ensemble: combine the candidates of all branches, fit the judged model on all training rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mlestar.errors import BudgetError
from mlestar.evaluation import Harness
from mlestar.files import write_json
from mlestar.progress import emit
from mlestar.recipes import find_recipe
from mlestar.solution import Block, Solution
from mlestar.stages.budget import StageBudget
from mlestar.stages.calibration import calibrated
from mlestar.stages.candidates import Candidate, Candidates
from mlestar.stages.choices import Choice, account, passed_over, ranked
from mlestar.stages.failures import why_nothing_ran
from mlestar.stages.labels import bare, with_fixed_labels
from mlestar.stages.model import ModelFacts, write_model
from mlestar.stages.scoped import Scoped, open_harness
from mlestar.stages.shipping import Affordable, fit_first
from mlestar.stages.weights import MEANS, Weigh, average, greedy, nested_scores

__all__ = ["ensemble"]

_MOST_CANDIDATES = 12  # that an ensemble is chosen from
_MOST_ALIKE = 4  # of them, with the same model: they add less to each other than another model does
_AVERAGED = (3, 4, 6)  # with equal weights, of the best with different models
_NAMES_OF_MEANS = {"weighted": "", "geometric": " by log odds"}
_LEAST_WEIGHT = 0.05
_SECOND_LEVEL_SECONDS = 30.0
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
        affordable = Affordable(scoped, harness, budget)
        choices = _choices(scoped, harness, merged, budget, affordable)
        order = ranked(harness, choices)
        chosen, program, fitted = fit_first(scoped, harness, merged, order, train_dir, model_dir, budget, affordable)
    merged.best_id = chosen.members[0][0].id
    merged.history["spent"].append(budget.spent())
    merged.predictions = {each.id: merged.predictions[each.id] for each, _ in chosen.members}
    merged.write(model_dir)
    write_json(model_dir / "ensemble.json", account(harness, choices, chosen))
    facts = ModelFacts(
        kind="judged",
        solution=chosen.solution.digest,
        task=scoped.task,
        metric=scoped.task.metric,
        score=chosen.score,
        members=[member.name for member, _ in chosen.members],
        **{**fitted, "notes": [*fitted["notes"], *passed_over(harness, merged.entries, choices, chosen)]},
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
    scoped: Scoped, harness: Harness, merged: Candidates, budget: StageBudget, affordable: Affordable
) -> list[Choice]:
    """The best single candidates, and the ensembles that the rest of the run can afford to fit."""
    scored = sorted(
        (entry for entry in merged.entries if entry.status == "ok"),
        key=lambda entry: -harness.gain(entry.score or 0.0, 0.0),
    )
    if not scored:
        failures = [(each.status, each.reason) for each in merged.entries]
        raise BudgetError(f"ensemble: no candidate ran to its end: {why_nothing_ran(failures)}")
    different = [each for place, each in enumerate(scored) if not _repeats(merged, each, scored[:place])]
    pool = _pool(different, lambda each: bool(affordable.rows(bare(merged.solution(each.id)), [each])))
    singles = pool[:3]
    if scoped.is_constrained:  # one may be small and quick
        singles += [each for each in _best_of_each_model(pool) if each not in singles]
    choices = [_single(harness, merged, budget, each) for each in singles]
    if different[0] not in pool[:1] and affordable.rows(
        bare(merged.solution(different[0].id)), different[:1], once=True
    ):
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
    affordable: Affordable,
    budget: StageBudget,
) -> Iterator[Choice]:
    """The best candidates combined in several ways, as long as the budget lasts; the best one's postprocess follows.

    Of numbers, that of any: their predictions are those after it.
    """
    if len(pool) < 2:
        return
    followed = [merged.solution(each.id).postprocess for each in pool]
    postprocess = followed[0] if harness.task.is_classification else next(filter(None, followed), None)
    stack = np.stack([merged.predictions[each.id] for each in pool], axis=1)

    def shipped(weigh: Weigh) -> Weigh:
        """The weights as they would ship: the nested folds judge these, and not an ensemble that is larger."""

        def weighed(harness: Harness, stack: np.ndarray, rows: np.ndarray) -> np.ndarray:
            weights = weigh(harness, stack, rows)
            return _kept(pool, weights, lambda members: affordable(_combined(merged, members), members))

        return weighed

    different = [pool.index(each) for each in _best_of_each_model(pool)]
    plans: list[tuple[str, Weigh]] = [
        *(("average of {} models", average(different[:most])) for most in _AVERAGED),
        ("greedy", greedy),
    ]
    means = {name: MEANS[name] for name in _means(harness, postprocess)}
    found: set[tuple[float, ...]] = set()
    for method, weigh in plans[: scoped.scope.pipeline.ensemble_rounds]:
        if budget.exhausted:
            return
        weights = shipped(weigh)(harness, stack, np.flatnonzero(np.isfinite(stack).all(axis=(1, 2))))
        members = [(pool[place], float(weights[place])) for place in np.argsort(-weights, kind="stable")]
        members = [(each, weight) for each, weight in members if weight > 0]
        if len(members) > 1 and tuple(weights) not in found:
            found.add(tuple(weights))
            nested = nested_scores(harness, stack, shipped(weigh), list(means.values()))
            for mean, scores in zip(means, nested, strict=True):
                named = f"{method.format(len(members))}{_NAMES_OF_MEANS[mean]}"
                yield _ensemble(harness, merged, named, mean, members, postprocess, scores, budget)


def _means(harness: Harness, postprocess: Block | None) -> list[str]:
    """Of probabilities that the metric judges itself, that of log odds as well: it is often the better ranking."""
    judges_probabilities = harness.task.is_classification and harness.metric.needs != "label" and postprocess is None
    return ["weighted", "geometric"] if judges_probabilities else ["weighted"]


def _pool(ranked: Sequence[Candidate], affordable: Callable[[Candidate], bool]) -> list[Candidate]:
    """The candidates that an ensemble is chosen from: the best, not too many with one model, and that of each model."""
    taken: Counter[str] = Counter()
    fitting: list[Candidate] = []
    for each in ranked:
        if taken[each.recipes["model"]] < _MOST_ALIKE and affordable(each):
            taken[each.recipes["model"]] += 1
            fitting.append(each)
    wanted = _best_of_each_model(fitting)[: max(_AVERAGED)]
    wanted += [each for each in fitting if each not in wanted][: _MOST_CANDIDATES - len(wanted)]
    return [each for each in fitting if each in wanted]


def _best_of_each_model(ranked: Sequence[Candidate]) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for each in ranked:
        found.setdefault(each.recipes["model"], each)
    return list(found.values())


def _repeats(merged: Candidates, candidate: Candidate, better: Sequence[Candidate]) -> bool:
    """Whether a better candidate predicts the same: a change of a block need not change anything."""
    mine = merged.predictions[candidate.id]
    same_score = [each for each in better if each.fold_scores == candidate.fold_scores]
    return any(np.allclose(merged.predictions[each.id], mine, rtol=1e-9, equal_nan=True) for each in same_score)


def _single(harness: Harness, merged: Candidates, budget: StageBudget, candidate: Candidate) -> Choice:
    """A candidate; where folds are dealt several times, scored like an ensemble, by the mean of its predictions."""
    solution, scores, score = merged.solution(candidate.id), tuple(candidate.fold_scores), candidate.score or 0.0
    if harness.task.repeats > 1 and not solution.needs_out_of_fold:
        stack = merged.predictions[candidate.id][:, None]
        [scores] = nested_scores(harness, stack, average([0]), [MEANS["weighted"]])
        score = float(np.mean(scores))
    choice = Choice("best", solution, ((candidate, 1.0),), score, scores)
    return _as_it_ships(harness, merged, budget, choice)


def _as_it_ships(harness: Harness, merged: Candidates, budget: StageBudget, choice: Choice) -> Choice:
    """The choice with what is fitted on out-of-fold predictions as fixed numbers: a temperature, or weights for labels.

    Where labels cannot be fixed they are the most probable classes, and the score is that of these.
    """
    stack = np.stack([merged.predictions[member.id] for member, _ in choice.members], axis=1)
    if not choice.solution.needs_out_of_fold:
        return calibrated(harness, choice, stack)
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


def _combined(merged: Candidates, members: Sequence[Candidate]) -> Solution:
    """The members averaged."""
    return _weighted(merged, members, tuple(1 / len(members) for _ in members), "weighted", None)


def _weighted(
    merged: Candidates, members: Sequence[Candidate], weights: tuple[float, ...], mean: str, postprocess: Block | None
) -> Solution:
    return Solution(
        tuple(merged.solution(each.id).members[0] for each in members),
        find_recipe("combine", mean).block({"weights": weights}),
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
    mean: str,
    members: Sequence[tuple[Candidate, float]],
    postprocess: Block | None,
    fold_scores: Sequence[float],
    budget: StageBudget,
) -> Choice:
    candidates, weights = zip(*members, strict=True)
    solution = _weighted(merged, candidates, weights, mean, postprocess)
    if postprocess is not None:
        # The nested scores are of the plain combination; what comes after it is fitted in the worker, nested as well.
        evaluation = harness.evaluate(solution, seconds=_second_level_seconds(budget))
        fold_scores = list(evaluation.fold_scores) if evaluation.ok else fold_scores
    choice = Choice(method, solution, tuple(members), float(np.mean(fold_scores)), tuple(fold_scores))
    return _as_it_ships(harness, merged, budget, choice)


def _second_level_seconds(budget: StageBudget) -> Callable[[], float]:
    """How long what comes after the members may take: where a run counts fits, no machine is too slow for it."""
    return lambda: budget.fit_seconds() if budget.counted else _SECOND_LEVEL_SECONDS
