"""The section about what the predictions rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlestar.report.charts import Interval, intervals
from mlestar.report.checks import checks
from mlestar.report.numbers import is_number, plain
from mlestar.report.run import Run

__all__ = ["Importance", "importance", "importances"]

MOST_COLUMNS = 15


@dataclass(frozen=True)
class Importance:
    """``chart`` is None where the importance was not measured; ``summary`` then says why.

    ``tells_noise`` is whether it was measured often enough to tell a loss from chance.
    """

    chart: Markup | None
    summary: str
    unused: list[str]
    tells_noise: bool = False


def importances(run: Run) -> list[Mapping[str, Any]]:
    """The columns with what permuting them loses, the most important first; empty where that is not known."""
    return list((_check(run) or {}).get("evidence", {}).get("columns", ()))


def importance(run: Run) -> Importance | None:
    """Permutation importance on the holdout; None where the verdict has no such check."""
    check = _check(run)
    if check is None:
        return None
    columns, evidence = importances(run), check["evidence"]
    if not columns:
        return Importance(None, f"Not measured: {check['summary']}.", [])
    rows = [_row(run, column) for column in columns[:MOST_COLUMNS] if column["importance"]]
    repeats = evidence["repeats"]
    title = f"Holdout {run.metric} lost when a column is permuted"
    chart = intervals(rows, title=title, axis=f"holdout {run.metric} lost", reference=0.0)
    left_out = max(len(columns) - len(evidence["columns_without_effect"]) - MOST_COLUMNS, 0)
    more = f" {plain(left_out)} further columns matter less." if left_out else ""
    if repeats > 1:
        on = f"on {plain(repeats)} bootstrap resamples"
        spread = "lines are ± 2 standard deviations over the resamples, grey rows cannot be told from zero"
    else:
        on = "on one bootstrap resample"
        spread = "there was no time for more, so how much this varies is not known"
    summary = (
        f"Each column's values were dealt to other rows, {on} of {plain(evidence['rows'])} holdout rows; {spread}. "
        f"Columns that tell the same cover for each other and seem less important than they are together.{more}"
    )
    unused = [str(name) for name in evidence["columns_without_effect"]]
    return Importance(chart if rows else None, summary, unused, tells_noise=repeats > 1)


def _check(run: Run) -> Mapping[str, Any] | None:
    return next((check for check in checks(run) if check["id"] == "importance"), None)


def _row(run: Run, column: Mapping[str, Any]) -> Interval:
    lost, error = column["importance"], column["standard_error"]
    clear = is_number(error) and lost > 2 * error
    text = run.score_format.signed(lost, error)
    return Interval.around(str(column["column"]), lost, error, text, "" if clear else "faint")
