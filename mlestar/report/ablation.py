"""The section about what each block is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlestar.evaluation.results import on_folds
from mlestar.report.charts import Interval, intervals
from mlestar.report.numbers import is_number
from mlestar.report.run import Run
from mlestar.report.words import outcome, variant_of

__all__ = ["Ablation", "ablations"]


@dataclass(frozen=True)
class Ablation:
    """What the blocks of one candidate are worth; ``unmeasured`` says which are not known, and why."""

    title: str
    chart: Markup | None
    unmeasured: list[str]


def ablations(run: Run) -> list[Ablation]:
    """One chart per candidate that was taken apart; of repeated measurements the longer one counts."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for ablation in run.history["ablations"]:
        groups.setdefault((str(ablation["branch"]), ablation["candidate"]), []).append(ablation)
    return [_ablation(run, branch, candidate, rows) for (branch, candidate), rows in groups.items()]


def _ablation(run: Run, branch: str, candidate: str, rows: Sequence[Mapping[str, Any]]) -> Ablation:
    longest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (is_number(row["effect"]), row["seconds"])):
        longest[row["block"], row["variant"]] = row
    measured = [row for row in longest.values() if is_number(row["effect"])]
    measured.sort(key=lambda row: -row["effect"])
    steps = [str(step) for step in dict.fromkeys(row["step"] for row in rows)]
    title = f"Branch {branch}, step{'s' if len(steps) > 1 else ''} {' and '.join(steps)}: {run.name_of(candidate)}"
    chart = intervals(
        [_row(run, row) for row in measured],
        title=f"Score lost without each block. {title}",
        axis=f"cross-validated {run.metric} lost without the block",
        reference=0.0,
    )
    unmeasured = [_unmeasured(row) for row in longest.values() if row not in measured]
    return Ablation(title, chart if measured else None, unmeasured)


def _row(run: Run, ablation: Mapping[str, Any]) -> Interval:
    effect, error = ablation["effect"], ablation["standard_error"]
    clear = is_number(error) and abs(effect) > 2 * error
    text = run.score_format.signed(effect, error) if effect or error else "no difference"
    text += on_folds(ablation["reason"])
    return Interval.around(_label(ablation), effect, error, text, "" if clear else "faint")


def _unmeasured(ablation: Mapping[str, Any]) -> str:
    reason = f" ({ablation['reason']})" if ablation["reason"] else ""
    return f"{_label(ablation)}: {outcome(ablation['status'])}{reason}"


def _label(ablation: Mapping[str, Any]) -> str:
    return f"{ablation['block']} → {variant_of(str(ablation['variant']), ablation['block'])}"
