"""The sections about what went in: the task, the columns, the budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlestar.report.charts import Bar, bars
from mlestar.report.histogram import histogram
from mlestar.report.numbers import duration, is_number, percent, plain
from mlestar.report.run import Run
from mlestar.report.words import stage_order, validation

__all__ = ["Budget", "Column", "budget", "columns", "facts", "roles"]

MOST_COLUMNS = 500
MOST_IN_CELL = 6
IN_OTHER_CELLS = ("storage", "count", "missing", "unique")
UNUSUAL = ("infinite", "zeros")


@dataclass(frozen=True)
class Column:
    """A row of the data profile; ``picture`` is None where the distribution is not known."""

    name: str
    role: str
    storage: str
    missing: int
    missing_text: str
    unique: int
    statistics: list[tuple[str, str]]
    note: str
    picture: Markup | None


@dataclass(frozen=True)
class Budget:
    """``evaluations`` says what was charged and what was executed anew."""

    summary: str
    evaluations: str
    chart: Markup | None


def columns(run: Run) -> list[Column]:
    """The columns in the order of the file, at most 500 of them."""
    rows, statistics = run.task["rows"], run.scope.get("statistics") or {}
    profile = (run.verdict or {}).get("profile") or {}
    return [
        Column(
            name=column["name"],
            role=column["role"],
            storage=column["storage"],
            missing=column["missing"],
            missing_text=f"{column['missing']:,} ({percent(column['missing'] / rows)})" if column["missing"] else "0",
            unique=column["unique"],
            statistics=_statistics(statistics.get(column["name"]) or {}),
            note=column.get("note") or "",
            picture=histogram(column["name"], profile[column["name"]]) if column["name"] in profile else None,
        )
        for column in run.task["columns"][:MOST_COLUMNS]
    ]


def roles(run: Run) -> str:
    """How many columns beside the target play which role."""
    counts = Counter(column["role"] for column in run.task["columns"] if column["role"] != "target")
    return ", ".join(f"{count:,} {role}" for role, count in counts.most_common())


def facts(run: Run) -> list[tuple[str, str]]:
    """The task in a few words each."""
    task = run.task
    found = [
        ("Task", task["type"] if task["type"] == "regression" else f"{task['type']} classification"),
        ("Target", ", ".join(task["targets"])),
        ("Metric", f"{run.metric} ({'higher' if run.greater_is_better else 'lower'} is better)"),
        ("Rows", _rows(run)),
        ("Columns", roles(run)),
        ("Cross-validation", validation(task, run.plan)),
    ]
    purpose = run.scope.get("spec", {}).get("purpose") or {}
    labels = {"intended_use": "Intended use", "out_of_scope": "Out of scope", "owner": "Owner"}
    return [(label, str(purpose[key])) for key, label in labels.items() if purpose.get(key)] + found


def budget(run: Run) -> Budget:
    """What each stage was given and what it took: by stage and branch in seconds, by stage in evaluations."""
    in_seconds = run.plan["mode"] == "wall_clock"
    planned, spent = _by_stage(run, in_seconds)
    show = duration if in_seconds else plain
    rows = [
        Bar(
            label, spent.get((stage, branch), 0.0),
            _of_planned(show, spent.get((stage, branch)), planned.get((stage, branch))),
            planned.get((stage, branch)), "over" if _is_over(spent, planned, (stage, branch)) else "",
        )
        for stage, branch in sorted({*planned, *spent}, key=lambda key: (stage_order(key[0]), key[1]))
        for label in [f"{stage} · branch {branch}" if branch else stage]
    ]  # fmt: skip
    charged = sum(entry["evaluations"] for entry in run.history["spent"])
    executed = sum(entry["executed"] for entry in run.history["spent"])
    total = f"{show(run.plan['total'])}{'' if in_seconds else ' evaluations'}"
    return Budget(
        summary=f"The run had {total}; branches run side by side. The mark on a bar is what was planned, "
        "a bar in another colour exceeds it by more than 5 %.",
        evaluations=f"{charged:,} fits on one fold were charged: {executed:,} executed, "
        f"{charged - executed:,} already in the evaluation store.",
        chart=bars(rows, title="Spent against planned, by stage") if rows else None,
    )


def _statistics(statistics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the other columns of the table do not say already; values of which each row has another say nothing."""
    shown = {
        key: value
        for key, value in statistics.items()
        if key not in IN_OTHER_CELLS and not (key in UNUSUAL and value == 0)
    }
    found = []
    for key, value in shown.items():
        if key == "quantiles":
            found.append((key, _listed([f"{100 * float(share):g} %: {plain(each)}" for share, each in value.items()])))
        elif key == "top":
            if any(count > 1 for _, count in value):
                found.append(("most frequent", _listed([f"{each} ({plain(count)})" for each, count in value])))
        else:
            found.append((key.replace("_", " "), plain(value)))
    return found


def _rows(run: Run) -> str:
    """Rows to train on and rows held out, where the scope says so."""
    rows = run.scope.get("rows")
    return f"{rows['train']:,} for training, {rows['holdout']:,} held out" if rows else plain(run.task["rows"])


def _by_stage(run: Run, in_seconds: bool) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    """Planned and spent amounts by stage and branch (the branch is empty for a stage outside the branches)."""
    planned: dict[tuple[str, str], float] = {}
    spent: dict[tuple[str, str], float] = {}
    for entry in run.history["spent"]:
        branch = "" if entry["branch"] is None or not in_seconds else str(entry["branch"])
        key = (str(entry["stage"]), branch)
        spent[key] = spent.get(key, 0.0) + (entry["seconds"] if in_seconds else entry["evaluations"])
        if in_seconds and is_number(entry["planned_seconds"]):
            planned[key] = planned.get(key, 0.0) + entry["planned_seconds"]
    if in_seconds and is_number(seconds := (run.verdict or {}).get("seconds")):
        spent.setdefault(("validate", ""), seconds)
    with_branches = {stage for stage, _ in planned}
    turns = Counter(str(entry["stage"]) for entry in run.history["spent"])  # in every branch and step
    for stage, amount in run.plan["stages"].items():
        if stage not in with_branches and is_number(amount):
            planned[stage, ""] = amount * max(turns[stage], 1)
    return planned, spent


def _of_planned(show: Callable[[Any], str], spent: float | None, planned: float | None) -> str:
    """Spent and planned, or what is known of them."""
    if spent is None:
        return f"planned {show(planned)}"
    return show(spent) if planned is None else f"{show(spent)} of {show(planned)}"


def _is_over(spent: Mapping[Any, float], planned: Mapping[Any, float], key: tuple[str, str]) -> bool:
    return key in planned and spent.get(key, 0.0) > 1.05 * planned[key]


def _listed(values: list[str]) -> str:
    """What fits into a table cell."""
    return ", ".join(values[:MOST_IN_CELL]) + (", …" if len(values) > MOST_IN_CELL else "")
