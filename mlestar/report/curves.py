"""The section with the curves of the judged model on the holdout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, quantiles
from typing import Any

from markupsafe import Markup

from mlestar.report.charts import confusion_matrix, scatter, thin
from mlestar.report.numbers import ABSENT, is_number, percent, plain
from mlestar.report.run import Run
from mlestar.report.timeline import Line, timeline

__all__ = ["Figure", "Table", "curves", "over_time"]

MOST_CLASSES, MOST_CONFUSED = 30, 8
Z = 1.96  # of a normal distribution, for 95 %


@dataclass(frozen=True)
class Table:
    """Rows of a name and numbers, with their headings."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """A picture with its heading, and what to read from it."""

    title: str
    chart: Markup
    note: str
    tables: Sequence[Table] = ()


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
        figures.append(_calibration(calibration, run))
    if confusion := found.get("confusion"):
        figures.append(_confusion(confusion))
    if residuals := found.get("residuals"):
        figures += _residuals(residuals, run)
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
        f"{plain(rows // len(found['rows']))} rows; {better} is better. Blue: this solution."
    )
    if "plain" in found["scores"]:
        note += " Grey: the plain baseline."
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
    note = (
        f"{plain(right)} of {plain(total)} rows are on the diagonal; a cell is as dark as its share of its row. "
        "Recall: how many of the rows of a class were found. Precision: how many of the rows given to it are of it."
    )
    chart = confusion_matrix(classes, matrix, title="True against predicted classes")
    tables = [_by_class(classes, matrix)] + ([_mistakes(classes, matrix)] if len(classes) > 2 else [])
    return Figure("Confusion matrix", chart, note, [table for table in tables if table.rows])


def _by_class(classes: Sequence[str], matrix: Sequence[Sequence[int]]) -> Table:
    """Recall and precision of the classes with most rows, with the counts that they are made from."""
    rows = []
    for index in sorted(range(len(classes)), key=lambda each: -sum(matrix[each])):
        found, given = matrix[index][index], sum(row[index] for row in matrix)
        rows.append((classes[index], _share(found, sum(matrix[index])), _share(found, given)))
    return Table(("class", "recall", "precision"), rows[:MOST_CLASSES])


def _mistakes(classes: Sequence[str], matrix: Sequence[Sequence[int]]) -> Table:
    mistakes = [
        (count, f"{classes[row]} taken for {classes[column]}")
        for row, counts in enumerate(matrix)
        for column, count in enumerate(counts)
        if row != column and count
    ]
    mistakes.sort(key=lambda mistake: -mistake[0])
    return Table(("most frequent mistakes", "rows"), [(text, plain(count)) for count, text in mistakes[:MOST_CONFUSED]])


def _share(part: int, whole: int) -> str:
    return f"{percent(part / whole)} ({part:,} of {whole:,})" if whole else ABSENT


def _calibration(calibration: Mapping[str, Any], run: Run) -> Figure:
    kept = [
        point
        for point in zip(calibration["predicted"], calibration["observed"], calibration["count"], strict=True)
        if point[2] and point[0] is not None and point[1] is not None
    ]
    rows = sum(count for _, _, count in kept)
    apart = sum(count * abs(x - y) for x, y, count in kept) / rows if rows else 0.0
    of = f"of class {run.task['classes'][-1]}" if run.task["type"] == "binary" else "of the most probable class"
    chart = scatter(
        [x for x, _, _ in kept], [y for _, y, _ in kept], title="Predicted against observed frequency",
        x_label="predicted probability", y_label="observed frequency", line=True, guide="diagonal", unit=True,
        spreads=[_wilson(y, count) for _, y, count in kept],
        hints=[f"{plain(count)} rows: predicted {x:.3f}, observed {y:.3f}" for x, y, count in kept],
        marks=[plain(count) for _, _, count in kept],
    )  # fmt: skip
    note = (
        "On the dashed line a probability of 0.8 comes true in 80 % of the rows. Each dot is a tenth of the axis, with "
        "the number of its holdout rows and the 95 % interval (Wilson) of what was observed. Weighted by rows, "
        f"predicted and observed are {apart:.3f} apart (expected calibration error)."
    )
    return Figure(f"Calibration {of}", chart, note)


def _wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share that was observed in ``count`` rows (Wilson, 1927)."""
    middle, scale = share + Z * Z / (2 * count), 1 + Z * Z / count
    half = Z * (share * (1 - share) / count + Z * Z / (4 * count * count)) ** 0.5
    return (middle - half) / scale, (middle + half) / scale


def _residuals(residuals: Mapping[str, Any], run: Run) -> list[Figure]:
    """Two pictures per target."""
    true, predicted = residuals["true"], residuals["predicted"]
    if not (true and isinstance(true[0], list)):
        true, predicted = [[value] for value in true], [[value] for value in predicted]
    figures = []
    for index, target in enumerate(run.task["targets"]):
        pairs = thin([(t[index], p[index]) for t, p in zip(true, predicted, strict=True)])
        ys, xs = zip(*pairs, strict=True)
        left_over = [y - x for x, y in zip(xs, ys, strict=True)]
        rows = (run.verdict or {}).get("rows", len(true))
        title, shown = f"True against predicted {target}", f"{len(pairs):,} of {rows:,} holdout rows."
        against = scatter(xs, ys, title=title, x_label="predicted", y_label="true", guide="diagonal")
        figures.append(Figure(title, against, f"A perfect model puts all points on the dashed line. {shown}"))
        title = f"Residuals of {target}"
        residual = scatter(xs, left_over, title=title, x_label="predicted", y_label="true − predicted", guide=0.0)
        low, high = quantiles(left_over, n=4)[::2] if len(left_over) > 1 else (left_over[0], left_over[0])
        note = (
            f"What the model leaves unexplained; it should show no pattern. Of these rows the mean is "
            f"{plain(fmean(left_over))}, and half of them lie between {plain(low)} and {plain(high)}."
        )
        figures.append(Figure(title, residual, note))
    return figures
