"""The sections about the search: trajectory, leaderboard and the ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlestar.report.charts import PALETTE, Bar, Interval, Point, bars, intervals, trajectory
from mlestar.report.numbers import ABSENT, duration, is_number, percent, plain
from mlestar.report.run import Run
from mlestar.report.words import made_by, outcome, stage_order

__all__ = [
    "Contribution",
    "Ensemble",
    "Series",
    "Standing",
    "contributions",
    "ensemble",
    "leaderboard",
    "series",
    "trajectory_chart",
]

MOST_ROWS = 500


@dataclass(frozen=True)
class Series:
    """A branch and the number of its colour."""

    name: str
    number: int


@dataclass(frozen=True)
class Standing:
    """One row of the leaderboard; rank and numbers are None where the candidate has no score."""

    rank: int | None
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
class Contribution:
    """The best score after a stage, and by how much that is better than before it."""

    stage: str
    tried: int
    score: float | None
    gain: float | None


@dataclass(frozen=True)
class Ensemble:
    method: str
    weights: Markup | None
    ways: Markup | None
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
            f" ({made_by(candidate)}, branch {candidate['branch']})",
        )
        for candidate in run.tried
    ]
    title = f"Cross-validated {run.metric} of every candidate over time, and the best so far per branch"
    axis = f"cross-validated {run.metric}"
    return trajectory(points, greater_is_better=run.greater_is_better, title=title, axis=axis)


def contributions(run: Run) -> list[Contribution]:
    """What each stage added to the best cross-validated score, from the plain baseline on."""
    best = (run.scope.get("plain") or {}).get("score")
    found = [Contribution("plain baseline", 1, best, None)]
    for stage, step in sorted(
        {(each["stage"], each["step"]) for each in run.tried}, key=lambda each: (each[1], stage_order(each[0]))
    ):
        tried = [each for each in run.tried if (each["stage"], each["step"]) == (stage, step)]
        [first, *_] = run.rank([*tried, {"score": best}])
        name = f"{stage} {step}" if step else stage
        found.append(Contribution(name, len(tried), first["score"], run.gain(first["score"], best)))
        best = first["score"]
    shipped, alone = run.model["score"], run.best_alone
    added = run.gain(shipped, alone["score"] if alone else best)
    combined = len(run.ensemble["candidates"]) - len(run.alone)
    return [*found, Contribution("ensemble", combined, shipped, added)]


def leaderboard(run: Run) -> list[Standing]:
    """The candidates, the best first, at most 500 of them."""
    members = {member["id"] for member in run.ensemble["members"]}
    numbers = {name: index % PALETTE for index, name in enumerate(run.branches)}
    return [
        Standing(
            rank=rank if candidate["status"] == "ok" else None,
            name=str(candidate["name"]),
            id=str(candidate["id"]),
            branch=str(candidate["branch"]),
            series=numbers[str(candidate["branch"])],
            made_by=made_by(candidate),
            score=candidate["score"] if candidate["status"] == "ok" else None,
            score_text=_score(run, candidate) if candidate["status"] == "ok" else ABSENT,
            folds=", ".join(run.score_format(score) for score in candidate["fold_scores"] or ()),
            seconds=candidate["seconds"],
            seconds_text=duration(candidate["seconds"]),
            peak_mb=candidate["peak_mb"],
            status=outcome(str(candidate["status"])),
            reason=str(candidate["reason"] or ""),
            recipes=sorted(candidate["recipes"].items()),
            chosen=candidate["id"] in members,
        )
        for rank, candidate in enumerate(run.rank(run.tried)[:MOST_ROWS], 1)
    ]


def ensemble(run: Run) -> Ensemble:
    """The members with their weights, and how the ways to combine them compared."""
    members = [
        {
            "name": str(member["name"] or member["id"]),
            "branch": member["branch"],
            "score": run.score_format.with_error(member["score"], run.candidate(member["id"]).get("standard_error")),
            "weight": _weight(member["weight"]),
        }
        for member in run.ensemble["members"]
    ]
    weighted = [member for member in run.ensemble["members"] if is_number(member["weight"])]
    differ = len({member["weight"] for member in weighted}) > 1
    rows = [
        Bar(f"{member['name']} · branch {member['branch']}", abs(member["weight"]), _weight(member["weight"]))
        for member in weighted
    ]
    ways = [_way(run, way) for way in run.rank(run.ensemble["candidates"])]
    axis = f"cross-validated {run.metric}"
    return Ensemble(
        method=str(run.ensemble["method"]),
        weights=bars(rows, title="Weight of each member", whole=1.0) if differ else None,
        ways=intervals(ways, title="Ways to combine the candidates", axis=axis) if len(ways) > 1 else None,
        members=members,
    )


def _way(run: Run, way: Mapping[str, Any]) -> Interval:
    """A way to combine; faint unless it was chosen."""
    members, method = way.get("members") or [], str(way["method"])
    if len(members) == 1:
        method = f"{method}: {run.name_of(members[0])}"
    kind = "" if way is run.chosen else "faint"
    return Interval.around(method, way["score"], way["standard_error"], _score(run, way), kind)


def _score(run: Run, scored: Mapping[str, Any]) -> str:
    if scored.get("status", "ok") != "ok":
        return outcome(str(scored["status"]))
    return run.score_format.with_error(scored["score"], scored.get("standard_error"))


def _weight(weight: Any) -> str:
    return percent(weight) if is_number(weight) and 0 <= weight <= 1 else plain(weight)
