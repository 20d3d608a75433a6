"""The sections about the search: trajectory, leaderboard, ablations, refinements and the ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlestar.report.charts import PALETTE, Bar, Interval, Point, bars, intervals, trajectory
from mlestar.report.numbers import ABSENT, duration, is_number, percent, plain
from mlestar.report.run import Run
from mlestar.report.source import Line, blocks_of, changes, highlighted

__all__ = [
    "Ablation", "Change", "Ensemble", "Series", "Standing", "ablations", "ensemble", "leaderboard", "refinement_yield",
    "refinements", "series", "trajectory_chart",
]  # fmt: skip


@dataclass(frozen=True)
class Series:
    """A branch and the number of its colour."""

    name: str
    number: int


@dataclass(frozen=True)
class Standing:
    """One row of the leaderboard; numbers are None where the candidate failed."""

    rank: int
    name: str
    id: str
    branch: str
    series: int
    made_by: str
    score: float | None
    score_text: str
    folds: str
    seconds: float | None
    seconds_text: str
    peak_mb: float | None
    status: str
    reason: str
    recipes: list[tuple[str, str]]
    chosen: bool


@dataclass(frozen=True)
class Ablation:
    """What the blocks of one branch were worth in one step."""

    title: str
    chart: Markup


@dataclass(frozen=True)
class Change:
    """One refinement: which block, what was tried, and what the accepted change is."""

    title: str
    accepted: bool
    outcome: str
    reason: str
    plans: list[dict[str, Any]]
    lines: list[Line]
    before: Markup | None
    after: Markup | None


@dataclass(frozen=True)
class Ensemble:
    method: str
    weights: Markup | None
    methods: Markup | None
    members: list[dict[str, Any]]


def series(run: Run) -> list[Series]:
    """The branches, for the legend."""
    return [Series(name, index % PALETTE) for index, name in enumerate(run.branches)]


def trajectory_chart(run: Run) -> Markup:
    """Score over the seconds charged, a dot for each candidate."""
    numbers = {name: index for index, name in enumerate(run.branches)}
    points = [
        Point(
            candidate["elapsed"],
            candidate["score"] if candidate["status"] == "ok" else None,
            numbers[str(candidate["branch"])],
            f"{candidate['name']}: {_score(run, candidate)} after {duration(candidate['elapsed'])}"
            f" ({_made_by(candidate)}, branch {candidate['branch']})",
        )
        for candidate in run.tried
    ]
    title = f"{run.metric} of every candidate over time, and the best so far per branch"
    return trajectory(points, greater_is_better=run.greater_is_better, title=title, axis=run.metric)


def leaderboard(run: Run) -> list[Standing]:
    """All candidates, the best first."""
    members = {member["id"] for member in run.ensemble["members"]}
    numbers = {name: index % PALETTE for index, name in enumerate(run.branches)}
    return [
        Standing(
            rank=rank,
            name=str(candidate["name"]),
            id=str(candidate["id"]),
            branch=str(candidate["branch"]),
            series=numbers[str(candidate["branch"])],
            made_by=_made_by(candidate),
            score=candidate["score"] if candidate["status"] == "ok" else None,
            score_text=_score(run, candidate) if candidate["status"] == "ok" else ABSENT,
            folds=", ".join(run.score_format(score) for score in candidate["fold_scores"] or ()),
            seconds=candidate["seconds"],
            seconds_text=duration(candidate["seconds"]),
            peak_mb=candidate["peak_mb"],
            status=str(candidate["status"]),
            reason=str(candidate["reason"] or ""),
            recipes=sorted(candidate["recipes"].items()),
            chosen=candidate["id"] in members,
        )
        for rank, candidate in enumerate(run.rank(run.tried), 1)
    ]


def ablations(run: Run) -> list[Ablation]:
    """One chart per step and branch."""
    groups: dict[tuple[Any, str], list[Mapping[str, Any]]] = {}
    for ablation in run.history["ablations"]:
        groups.setdefault((ablation["step"], str(ablation["branch"])), []).append(ablation)
    return [
        Ablation(
            f"Step {step}, branch {branch}: {run.name_of(rows[0]['candidate'])}",
            intervals(
                [_ablation_row(run, row) for row in sorted(rows, key=lambda row: -(row["effect"] or 0.0))],
                title=f"Score lost without each block, step {step}, branch {branch}",
                axis=f"{run.metric} lost without the block (line: ± 2 standard errors)",
                reference=0.0,
            ),
        )
        for (step, branch), rows in groups.items()
    ]


def refinement_yield(run: Run) -> Markup | None:
    """What each refinement gained, with its uncertainty."""
    rows = []
    for refinement in run.history["refinements"]:
        label = f"{refinement['block']} · step {refinement['step']}, branch {refinement['branch']}"
        text = _gain(run, refinement) if is_number(refinement["gain"]) else "no plan ended with a score"
        rows.append(_interval(label, refinement, "gain", text, "" if refinement["accepted"] else "faint"))
    if not rows:
        return None
    axis = f"{run.metric} gained by the best plan (line: ± 2 standard errors)"
    return intervals(rows, title="What each refinement gained", axis=axis, reference=0.0)


def refinements(run: Run) -> list[Change]:
    """What was tried on which block, and the difference that an accepted plan made."""
    found = []
    for refinement in run.history["refinements"]:
        kind, accepted = refinement["block"], refinement["accepted"]
        before, after = (_block(run, refinement[side], kind) for side in ("before", "after"))
        compared = accepted and before is not None and after is not None
        found.append(
            Change(
                title=f"Step {refinement['step']}, branch {refinement['branch']}: {kind}",
                accepted=accepted,
                outcome=f"{'accepted' if accepted else 'kept as it was'}, {_gain(run, refinement)}",
                reason=str(refinement["reason"] or ""),
                plans=[_plan(run, plan) for plan in refinement["plans"]],
                lines=changes(before or "", after or "") if compared else [],
                before=highlighted(before or "") if compared else None,
                after=highlighted(after or "") if compared else None,
            )
        )
    return found


def ensemble(run: Run) -> Ensemble:
    """The members with their weights, and how the ways to combine them compared."""
    members = [
        {**member, "score_text": run.score_format(member["score"]), "name": str(member["name"] or member["id"])}
        for member in run.ensemble["members"]
    ]
    weighted = [member for member in members if is_number(member["weight"])]
    rows = [
        Bar(f"{member['name']} · branch {member['branch']}", abs(member["weight"]), _weight(member["weight"]))
        for member in weighted
    ]
    methods = [_method(run, method) for method in run.rank(run.ensemble["candidates"])]
    axis = f"{run.metric} (line: ± 2 standard errors)"
    return Ensemble(
        method=str(run.ensemble["method"]),
        weights=bars(rows, title="Weight of each member", whole=1.0) if len(weighted) > 1 else None,
        methods=intervals(methods, title="Ways to combine the members", axis=axis) if methods else None,
        members=members,
    )


def _method(run: Run, method: Mapping[str, Any]) -> Interval:
    """A way to combine; faint unless it was chosen."""
    members = method.get("members") or []
    label = f"{method['method']}, {len(members)} members" if len(members) > 1 else str(method["method"])
    if len(members) == 1:
        label = f"{method['method']}: {run.name_of(members[0])}"
    in_solution = {each["id"] for each in run.ensemble["members"]}
    chosen = method["method"] == run.ensemble["method"] and in_solution.issuperset(members)
    return _interval(label, method, "score", _score(run, method), "" if chosen else "faint")


def _ablation_row(run: Run, ablation: Mapping[str, Any]) -> Interval:
    label = f"{ablation['block']} → {ablation['variant']}"
    if not is_number(ablation["effect"]):
        text = ": ".join(str(ablation[key]) for key in ("status", "reason") if ablation[key])
        return Interval(label, None, None, None, text)
    clear = abs(ablation["effect"]) > 2 * (ablation["standard_error"] or 0.0)
    text = f"{run.score_format.signed(ablation['effect'])}{_error(run, ablation)}, {duration(ablation['seconds'])}"
    return _interval(label, ablation, "effect", text, "" if clear else "faint")


def _interval(label: str, measured: Mapping[str, Any], key: str, text: str, kind: str) -> Interval:
    value, error = measured[key], measured.get("standard_error")
    if not is_number(value):
        return Interval(label, None, None, None, text, kind)
    if not is_number(error):
        return Interval(label, value, None, None, text, kind)
    return Interval(label, value, value - 2 * error, value + 2 * error, text, kind)


def _plan(run: Run, plan: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": str(plan["name"]),
        "parameters": ", ".join(f"{key}={plain(value)}" for key, value in (plan["parameters"] or {}).items()),
        "score": run.score_format(plan["score"]),
        "gain": _gain(run, plan),
        "status": str(plan["status"]),
    }


def _block(run: Run, candidate: str | None, kind: str) -> str | None:
    """The source of a candidate's block: empty when it has none, None when its program is not at hand."""
    program = run.programs.get(str(candidate))
    return None if program is None else blocks_of(program).get(kind, "")


def _made_by(candidate: Mapping[str, Any]) -> str:
    step = f" {candidate['step']}" if candidate["step"] else ""
    return f"{candidate['stage']}{step}{' · ' + candidate['block'] if candidate['block'] else ''}"


def _score(run: Run, scored: Mapping[str, Any]) -> str:
    if scored.get("status", "ok") != "ok":
        return str(scored["status"]).replace("_", " ")
    return f"{run.score_format(scored['score'])}{_error(run, scored)}"


def _gain(run: Run, measured: Mapping[str, Any]) -> str:
    return f"{run.score_format.signed(measured['gain'])}{_error(run, measured)}"


def _error(run: Run, measured: Mapping[str, Any]) -> str:
    error = measured.get("standard_error")
    return f" ± {run.score_format(error)}" if is_number(error) else ""


def _weight(weight: float) -> str:
    return percent(weight) if 0 <= weight <= 1 else plain(weight)
