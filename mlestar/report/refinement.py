"""The section about what refinement changed, and what it only tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlestar.evaluation.results import on_folds
from mlestar.report.charts import Interval, intervals
from mlestar.report.numbers import ABSENT, is_number, plain
from mlestar.report.run import Run
from mlestar.report.source import Line, blocks_of, changes, highlighted
from mlestar.report.words import outcome, recipe_of, without_block

__all__ = ["Change", "refinement_yield", "refinements"]

MOST_OPEN_LINES = 30


@dataclass(frozen=True)
class Change:
    """One refinement: which block, why, what was tried, and what the accepted change is.

    ``folded`` refinements measured no difference at all; ``changed`` counts the lines that an accepted one changed.
    """

    title: str
    accepted: bool
    folded: bool
    outcome: str
    reason: str
    plans: list[dict[str, Any]]
    lines: list[Line]
    changed: int
    open: bool
    before: Markup | None
    after: Markup | None


def refinement_yield(run: Run) -> Markup | None:
    """What each refinement that made a difference gained, with its uncertainty."""
    rows = [
        Interval.around(
            f"{each['block']} · branch {each['branch']}, step {each['step']}",
            each["gain"],
            each["standard_error"],
            run.score_format.signed(each["gain"], each["standard_error"]),
            "" if each["accepted"] else "faint",
        )
        for each in _in_order(run)
        if _is_measured(each) and not _is_same(each)
    ]
    axis = f"cross-validated {run.metric} gained by the best plan"
    return intervals(rows, title="What each refinement gained", axis=axis, reference=0.0) if rows else None


def refinements(run: Run) -> list[Change]:
    """What was tried on which block, and the difference that an accepted plan made."""
    return [_change(run, refinement) for refinement in _in_order(run)]


def _change(run: Run, refinement: Mapping[str, Any]) -> Change:
    kind, accepted = refinement["block"], refinement["accepted"]
    before, after = (_block(run, refinement[side], kind) for side in ("before", "after"))
    compared = accepted and before is not None and after is not None
    lines = changes(before or "", after or "") if compared else []
    changed = sum(line.kind in ("added", "removed") for line in lines)
    return Change(
        title=f"Branch {refinement['branch']}, step {refinement['step']}: {kind}{_exchange(run, refinement)}",
        accepted=accepted,
        folded=not _is_measured(refinement) or _is_same(refinement),
        outcome=_outcome(run, refinement),
        reason=_reason(run, refinement),
        plans=[_plan(run, plan, kind) for plan in refinement["plans"]],
        lines=lines,
        changed=changed,
        open=0 < changed <= MOST_OPEN_LINES,
        before=highlighted(before or "") if compared else None,
        after=highlighted(after or "") if compared else None,
    )


def _outcome(run: Run, refinement: Mapping[str, Any]) -> str:
    """What became of the best plan, and how sure that is."""
    gain, error = refinement["gain"], refinement["standard_error"]
    if not _is_measured(refinement):
        return "no plan was scored on all folds, so nothing changed"
    if _is_same(refinement):
        return "changed nothing: the best plan scores the same on every fold"
    size = f"{run.score_format(abs(gain))} {run.metric}"
    sure = _in_errors(abs(gain) / error) if error else "on one fold"
    if refinement["accepted"]:
        doubt = ", which may still be noise" if not error or gain < 2 * error else ""
        return f"accepted: better by {size} ({sure}{doubt})"
    if gain > 0:
        return (
            f"not accepted: the gain of {size} was within the noise ({sure}), so refinement went on from the former; "
            "the candidate stays in the running for the ensemble"
        )
    return f"not accepted: the best plan was worse by {size} ({sure})"


def _in_errors(ratio: float) -> str:
    return f"{ratio:.1f} standard errors" if ratio >= 0.1 else "less than 0.1 standard errors"


def _reason(run: Run, refinement: Mapping[str, Any]) -> str:
    """What was known about the block when it was chosen: its last ablation in the branch."""
    known = [
        each
        for each in run.history["ablations"]
        if (each["branch"], each["block"]) == (refinement["branch"], refinement["block"])
        and each["step"] <= refinement["step"]
        and is_number(each["effect"])
    ]
    if not known:
        return (
            "it could not be ablated (it is the simplest variant already, or no time was left); "
            "ranked by what refining a block of this kind usually yields."
        )
    last = known[-1]
    effect, error = last["effect"], last["standard_error"]
    size = f"{run.score_format.with_error(abs(effect), error)} {run.metric}{on_folds(last['reason'])}"
    swap = f"{without_block(last)} the branch"
    if effect > 0:
        return f"{swap} lost {size} in the ablation of step {last['step']}."
    gained = f"was {size} better" if effect < 0 else "scored the same"
    return f"{swap} {gained} in the ablation of step {last['step']}: it adds little as it is."


def _plan(run: Run, plan: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """A row of the table of plans; only scores on all folds are compared."""
    scored = plan["status"] == "ok"
    return {
        "name": recipe_of(str(plan["name"]), kind),
        "parameters": ", ".join(f"{key}={plain(value)}" for key, value in (plan["parameters"] or {}).items()),
        "score": run.score_format.with_error(plan["score"], run.candidate(plan["id"]).get("standard_error"))
        if scored
        else ABSENT,
        "gain": run.score_format.signed(plan["gain"], plan["standard_error"]) if scored else ABSENT,
        "status": outcome(str(plan["status"])),
    }


def _exchange(run: Run, refinement: Mapping[str, Any]) -> str:
    """Which recipe took the place of which, where an accepted plan brought another."""
    before, after = (
        run.candidate(refinement[side]).get("recipes", {}).get(refinement["block"], "none")
        for side in ("before", "after")
    )
    return f", {before} → {after}" if refinement["accepted"] and before != after else ""


def _block(run: Run, candidate: str | None, kind: str) -> str | None:
    """The source of a candidate's block: empty when it has none, None when its program is not at hand."""
    program = run.programs.get(str(candidate))
    return None if program is None else blocks_of(program).get(kind, "")


def _in_order(run: Run) -> list[Mapping[str, Any]]:
    return sorted(run.history["refinements"], key=lambda each: (each["branch"], each["step"]))


def _is_measured(refinement: Mapping[str, Any]) -> bool:
    return is_number(refinement["gain"]) and any(plan["status"] == "ok" for plan in refinement["plans"])


def _is_same(refinement: Mapping[str, Any]) -> bool:
    return not refinement["gain"] and not refinement["standard_error"]
