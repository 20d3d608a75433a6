"""The sections about the verdict: the checks and the curves of the judged model on the holdout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlestar.report.charts import confusion_matrix, scatter, thin
from mlestar.report.numbers import is_number, percent, plain
from mlestar.report.run import Run
from mlestar.report.story import CHECK_ORDER
from mlestar.report.timeline import Line, timeline

__all__ = ["Figure", "checks", "curves", "over_time"]

MOST_CONFUSED = 8


@dataclass(frozen=True)
class Figure:
    """A picture with its heading, and what to read from it."""

    title: str
    chart: Markup
    note: str
    rows: Sequence[tuple[str, str]] = ()


def checks(run: Run) -> list[Mapping[str, Any]]:
    """The checks, the gravest outcome first; those that the spec turned off at the end."""
    found = (run.verdict or {}).get("checks", [])
    return sorted(found, key=lambda check: (check["severity"] == "off", CHECK_ORDER.index(check["status"])))


def curves(run: Run) -> list[Figure]:
    """What suits the type of the task.

    ROC, precision and recall, calibration and confusion; or predicted against true and residuals.
    """
    found = (run.verdict or {}).get("curves") or {}
    figures = []
    if roc := found.get("roc"):
        figures.append(_roc(roc, run))
    if precision_recall := found.get("precision_recall"):
        figures.append(_precision_recall(precision_recall, run))
    if calibration := found.get("calibration"):
        figures.append(_calibration(calibration))
    if confusion := found.get("confusion"):
        figures.append(_confusion(confusion))
    if residuals := found.get("residuals"):
        figures += _residuals(residuals, run.task["targets"])
    return figures


def over_time(run: Run) -> Figure | None:
    """The score in consecutive parts of the holdout, where the task is ordered by time."""
    found = ((run.verdict or {}).get("curves") or {}).get("over_time")
    if not found:
        return None
    names = {"judged": "this solution", "plain": "plain baseline"}
    lines = [Line(label, found["scores"][name]) for name, label in names.items() if name in found["scores"]]
    rows = sum(found["rows"])
    title = f"{run.metric} over time"
    chart = timeline(
        lines, found["start"], found["end"], found["rows"], title=title, axis=f"holdout {run.metric}",
        show=run.score_format,
    )  # fmt: skip
    better = "higher" if run.greater_is_better else "lower"
    note = (
        f"{plain(rows)} holdout rows in the order of {run.task['time']}, in {len(found['rows'])} parts of about "
        f"{plain(rows // len(found['rows']))} rows; {better} is better. Blue: this solution. Grey: the plain baseline."
    )
    return Figure(title, chart, note)


def _roc(roc: Mapping[str, Any], run: Run) -> Figure:
    xs, ys = thin(roc["false_positive_rate"]), thin(roc["true_positive_rate"])
    chart = scatter(
        xs, ys, title="Receiver operating characteristic", line=True, guide="diagonal", unit=True,
        x_label="false positive rate", y_label="true positive rate",
    )  # fmt: skip
    area = f"Area under the curve {roc['area']:.4f}. " if is_number(roc.get("area")) else ""
    positive = run.task["classes"][-1]
    return Figure("ROC curve", chart, f"{area}Positive class: {positive}. The dashed line is what guessing gives.")


def _precision_recall(curve: Mapping[str, Any], run: Run) -> Figure:
    chart = scatter(
        thin(curve["recall"]), thin(curve["precision"]), title="Precision against recall", line=True, unit=True,
        guide=curve["positives"], x_label="recall", y_label="precision",
    )  # fmt: skip
    note = (
        f"Average precision {curve['average_precision']:.4f}. Positive class: {run.task['classes'][-1]}; the dashed "
        f"line is its share, {percent(curve['positives'])}, and what guessing gives."
    )
    return Figure("Precision and recall", chart, note)


def _confusion(confusion: Mapping[str, Any]) -> Figure:
    classes, matrix = [str(name) for name in confusion["classes"]], confusion["matrix"]
    right = sum(row[index] for index, row in enumerate(matrix))
    total = sum(map(sum, matrix))
    mistakes = [
        (count, f"{classes[row]} taken for {classes[column]}")
        for row, counts in enumerate(matrix)
        for column, count in enumerate(counts)
        if row != column and count
    ]
    mistakes.sort(key=lambda mistake: -mistake[0])
    return Figure(
        "Confusion matrix",
        confusion_matrix(classes, matrix, title="True against predicted classes"),
        f"{plain(right)} of {plain(total)} rows are on the diagonal; a cell is as dark as its share of its row.",
        [(text, plain(count)) for count, text in mistakes[:MOST_CONFUSED]],
    )


def _calibration(calibration: Mapping[str, Any]) -> Figure:
    kept = [
        point
        for point in zip(calibration["predicted"], calibration["observed"], calibration["count"], strict=True)
        if point[2] and point[0] is not None and point[1] is not None
    ]
    chart = scatter(
        [point[0] for point in kept], [point[1] for point in kept], title="Predicted against observed frequency",
        x_label="predicted probability", y_label="observed frequency", line=True, guide="diagonal", unit=True,
        hints=[f"{plain(count)} rows: predicted {x:.3f}, observed {y:.3f}" for x, y, count in kept],
        marks=[plain(count) for _, _, count in kept],
    )  # fmt: skip
    note = (
        "On the dashed line a probability of 0.8 comes true in 80 % of the rows. Numbers count the rows behind a dot."
    )
    return Figure("Calibration", chart, note)


def _residuals(residuals: Mapping[str, Any], targets: Sequence[str]) -> list[Figure]:
    """Two pictures per target."""
    true, predicted = residuals["true"], residuals["predicted"]
    if not (true and isinstance(true[0], list)):
        true, predicted = [[value] for value in true], [[value] for value in predicted]
    figures = []
    for index, target in enumerate(targets):
        pairs = thin([(t[index], p[index]) for t, p in zip(true, predicted, strict=True)])
        ys, xs = zip(*pairs, strict=True)
        left_over = [y - x for x, y in zip(xs, ys, strict=True)]
        title, shown = f"True against predicted {target}", f"{len(pairs):,} of {len(true):,} holdout rows."
        against = scatter(xs, ys, title=title, x_label="predicted", y_label="true", guide="diagonal")
        figures.append(Figure(title, against, f"A perfect model puts all points on the dashed line. {shown}"))
        title = f"Residuals of {target}"
        residual = scatter(xs, left_over, title=title, x_label="predicted", y_label="true − predicted", guide=0.0)
        figures.append(Figure(title, residual, "What the model leaves unexplained; it should show no pattern."))
    return figures
