"""What could ship: single candidates and ensembles, which comes first, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlestar.evaluation import Harness
from mlestar.recipes import find_recipe
from mlestar.solution import Solution
from mlestar.stages.candidates import Candidate

__all__ = ["Choice", "account", "passed_over", "ranked", "repeated"]


@dataclass(frozen=True)
class Choice:
    """A solution that could be shipped, with its nested score.

    ``once`` says that the run has the time to fit it, but not to fit it again in finalize.
    """

    method: str
    solution: Solution
    members: tuple[tuple[Candidate, float], ...]
    score: float
    fold_scores: tuple[float, ...]
    once: bool = False

    @property
    def named(self) -> str:
        """What it is, for people."""
        [(first, _), *others] = self.members
        return f"the ensemble ({self.method})" if others else first.name


def repeated(choice: Choice, fits: int) -> Choice:
    """The choice with members that are fitted several times; its scores are of one fit each."""
    combine = choice.solution.combine or find_recipe("combine", "weighted").block()
    return replace(choice, solution=replace(choice.solution, combine=combine, fits=fits))


def ranked(harness: Harness, choices: Sequence[Choice]) -> list[Choice]:
    """The best first; but for noise, an ensemble comes before a single one, and what can be fitted twice before others.

    That of several errs less on rows that are unlike the known ones; nested folds cannot show it.
    """
    found = sorted(choices, key=lambda each: -harness.gain(each.score, 0.0))
    ensembles, repeatable = [each for each in found if len(each.members) > 1], [each for each in found if not each.once]
    for preferred in (ensembles, repeatable):
        best = found[0]
        other = next((each for each in preferred if _is_as_good(harness, each, best)), best)
        if best not in preferred:
            found.insert(0, found.pop(found.index(other)))
    return found


def _is_as_good(harness: Harness, one: Choice | Candidate, best: Choice | Candidate) -> bool:
    """Whether the better score of the best is within a standard error of the difference, fold by fold."""
    differences = [harness.gain(*pair) for pair in zip(best.fold_scores, one.fold_scores, strict=False)]
    return harness.gain(best.score or 0.0, one.score or 0.0) <= harness.standard_error(differences)


def passed_over(
    harness: Harness, candidates: Sequence[Candidate], choices: Sequence[Choice], chosen: Choice
) -> list[str]:
    """That something which is better in cross-validation, by more than noise, does not ship, if that is so.

    What is compared has scores of the same folds: where these are dealt several times, most choices have one a deal.
    """
    scored: list[Choice | Candidate] = [*choices, *(each for each in candidates if each.status == "ok")]
    found = [each for each in scored if len(each.fold_scores) == len(chosen.fold_scores)]
    best = max(found, key=lambda each: harness.gain(each.score or 0.0, 0.0))
    if _is_as_good(harness, chosen, best) or harness.gain(best.score or 0.0, chosen.score) <= 0:
        return []
    name = best.named if isinstance(best, Choice) else best.name
    return [
        f"{name} reaches {harness.task.metric} {best.score:.5g} in cross-validation, this model {chosen.score:.5g}: it "
        "could not be fitted on all rows in the time that was left, failed there, or breaks a constraint; "
        "a larger budget.wall_clock may let it ship"
    ]


def account(harness: Harness, choices: Sequence[Choice], chosen: Choice) -> dict[str, Any]:
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
