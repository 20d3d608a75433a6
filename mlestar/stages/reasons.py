"""Why a program is what it is, in words: they stand in the program itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from mlestar.data.task import Task
from mlestar.evaluation.results import on_folds
from mlestar.solution import Solution
from mlestar.stages.candidates import Candidate, Candidates

__all__ = ["member_reason", "program_reason", "tables_left_out"]


def program_reason(
    metric: str,
    score: float,
    error: float | None,
    *,
    members: int,
    statuses: Sequence[str],
    compared_on: str,
    plain: float | None,
) -> str:
    """How the program was chosen, and what it reached.

    Parameters
    ----------
    metric : str
    score : float
        By cross-validation.
    error : float or None
        Its standard error.
    members : int
        How many candidates make the program.
    statuses : sequence of str
        Of all candidates that were tried.
    compared_on : str
        Which rows, and which of their folds.
    plain : float or None
        The score of the plain baseline.
    """
    given_up = statuses.count("pruned")
    lost = len(statuses) - given_up - statuses.count("ok")
    asides = [f"{given_up} stopped before the last fold"] if given_up else []
    asides += [f"{lost} failed or out of time"] if lost else []
    of = f"{len(statuses)} candidates" + (f" ({', '.join(asides)})" if asides else "")
    what = f"The best of {of}" if members == 1 else f"An ensemble of {members} out of {of}"
    if len(statuses) == 1:
        what = "The only candidate that was tried"
    reached = f"{metric} {_figure(score)}"
    if error:
        decimals = max(1 - math.floor(math.log10(error)), 0)  # two digits of the error, and as many of the score
        reached = f"{metric} {score:.{decimals}f} ± {error:.{decimals}f} (standard error)"
    compared = "" if plain is None else f" Plain gradient boosting reaches {_figure(plain)} by it."
    return f"{what}, by cross-validation on {compared_on}: {reached}.{compared}"


def tables_left_out(solution: Solution, task: Task) -> list[str]:
    """What to note where there are auxiliary tables and no block of the program joins them."""
    if not task.tables or solution.needs_tables:
        return []
    names = ", ".join(each.name for each in task.tables)
    return [f"the model does without the auxiliary tables ({names}): its program joins none of them"]


def member_reason(metric: str, candidates: Candidates, member: Candidate, weight: float) -> str:
    """What a candidate reaches by itself, and what its blocks contribute to that by the ablations."""
    share = (
        ""
        if weight == 1
        else f"By itself it reaches {metric} {_figure(member.score or 0.0)}; its weight is {weight:g}."
    )
    worth = [f"{block} {_figure(effect, '+', 2)} {instead}" for block, effect, instead in _worth(candidates, member)]
    return " ".join(filter(None, [share, f"What its blocks contribute: {', '.join(worth)}." if worth else ""]))


def _worth(candidates: Candidates, member: Candidate) -> Iterator[tuple[str, float, str]]:
    """Blocks, what is lost without them, and against what, where the member still has the block."""
    line = [member]
    while line[-1].parent and (parent := candidates.find(line[-1].parent)):
        line.append(parent)
    blocks = candidates.solution(member.id).members[0]
    ablated = {each.id: candidates.solution(each.id).blocks for each in line}
    for kind, block in blocks.items():
        effects = [
            (each["effect"], f"against {_instead(each['variant'])}{on_folds(each['reason'])}")
            for each in candidates.history["ablations"]
            if each["block"] == kind and each["effect"] and ablated.get(each["candidate"], {}).get(kind) == block
        ]
        if effects:
            yield kind, *effects[-1]


def _instead(variant: str) -> str:
    return variant.rsplit(": ", maxsplit=1)[-1].replace("without ", "no ")


def _figure(value: float, sign: str = "", digits: int = 5) -> str:
    """So many digits; of a large number all before the point."""
    return f"{value:{sign}.0f}" if abs(value) >= 10**digits else f"{value:{sign}.{digits}g}"
