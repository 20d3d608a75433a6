"""The pictures of the report, as inline SVG: each function takes numbers and returns markup."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup

from mlestar.report.numbers import is_number, percent
from mlestar.report.svg import Canvas, Scale, shorten

__all__ = ["Bar", "Interval", "Point", "bars", "confusion_matrix", "intervals", "scatter", "thin", "trajectory"]

WIDTH = 520
MOST_CHARACTERS = 56
MOST_POINTS = 800
MOST_NUMBERED_CLASSES = 12
PALETTE = 8


@dataclass(frozen=True)
class Interval:
    """One row of a dot-and-interval chart; without a value, ``text`` says why.

    A row that is ``aside`` has no say in the range of the axis: where it is outside, an arrow at the edge points to it.
    """

    label: str
    value: float | None
    low: float | None
    high: float | None
    text: str
    kind: str = ""
    aside: bool = False

    @classmethod
    def around(cls, label: str, value: float, error: float | None, text: str, kind: str = "") -> Interval:
        """Two standard errors to both sides of ``value``; a dot alone where the error is not known."""
        if not is_number(error):
            return cls(label, value, None, None, text, kind)
        return cls(label, value, value - 2 * error, value + 2 * error, text, kind)


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart; ``mark`` is drawn across the bar (what was planned)."""

    label: str
    value: float
    text: str
    mark: float | None = None
    kind: str = ""


@dataclass(frozen=True)
class Point:
    """One candidate of a trajectory: charged seconds, score (None when it failed), series number and description."""

    x: float
    y: float | None
    series: int
    hint: str


def thin(values: Sequence[Any], most: int = MOST_POINTS) -> list[Any]:
    """At most ``most`` of ``values``, evenly spread, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(index * (len(values) - 1) / (most - 1))] for index in range(most)]


def intervals(rows: Sequence[Interval], *, title: str, axis: str, reference: float | None = None) -> Markup:
    """Values with their intervals, one below the other on a common axis; ``reference`` is a line across all of them."""
    row_height, top = 48, 4
    bottom = top + row_height * len(rows)
    canvas = Canvas(WIDTH, bottom + 42, title=title)
    shown = [number for row in rows if not row.aside for number in (row.value, row.low, row.high)]
    scale = Scale.over([*shown, reference], 12, WIDTH - 12)
    canvas.x_axis(scale, bottom - 4, bottom, axis)
    for index, row in enumerate(rows):
        y = top + row_height * index
        _head(canvas, row, y + 15)
        y += 31
        for value, _ in scale.ticks():
            canvas.line(scale(value), y - 8, scale(value), y + 8, "grid")
        canvas.line(12, y, WIDTH - 12, y, "grid")
        if reference is not None:
            canvas.line(scale(reference), y - 9, scale(reference), y + 9, "reference")
        if row.value is not None:
            _draw_interval(canvas, scale, row, y)
    return canvas.markup()


def bars(rows: Sequence[Bar], *, title: str, whole: float | None = None) -> Markup:
    """Amounts as bars from zero, each with its text and mark; a full bar is ``whole``, or the largest amount."""
    row_height = 40
    canvas = Canvas(WIDTH, row_height * len(rows) + 4, title=title)
    amounts = [amount for row in rows for amount in (row.value, row.mark or 0.0)]
    scale = Scale.from_zero([*amounts, whole or 0.0], 4, WIDTH - 4)
    for index, row in enumerate(rows):
        y = row_height * index + 16
        _head(canvas, row, y)
        canvas.rect(4, y + 7, WIDTH - 8, 9, "track")
        canvas.rect(4, y + 7, scale(row.value) - 4, 9, f"bar {row.kind}", hint=f"{row.label}: {row.text}")
        if row.mark is not None:
            canvas.line(scale(row.mark), y + 4, scale(row.mark), y + 19, "mark")
    return canvas.markup()


def trajectory(points: Sequence[Point], *, greater_is_better: bool, title: str, axis: str) -> Markup:
    """Every candidate at its time and score, and the best score so far of each series.

    The axis shows the better part of the scores: what is far off is drawn as an open dot at its edge, and
    what has no score as a cross below it.
    """
    width, height, left, top, right = 760, 340, 76, 34, 748
    bottom = height - 72
    canvas = Canvas(width, height, title=title, kind="wide")
    x = Scale.from_zero([point.x for point in points], left + 6, right - 6)
    y = Scale.over(_better_part([p.y for p in points if p.y is not None], greater_is_better), bottom, top)
    canvas.y_axis(y, left, right, axis)
    canvas.x_axis(x, bottom, bottom + 12, "seconds charged to the branch")
    for series in sorted({point.series for point in points}):
        own = sorted((point for point in points if point.series == series), key=lambda point: point.x)
        steps = _best_so_far(own, greater_is_better)
        path = [(x(at), min(max(y(score), top), bottom)) for at, score in steps]
        if path:
            canvas.polyline([*path, (x(own[-1].x), path[-1][1])], f"best series-{series % PALETTE}")
    for point in points:
        kind = f"series-{point.series % PALETTE}"
        if point.y is None:
            canvas.cross(x(point.x), bottom + 6, 3, f"failed {kind}", hint=point.hint)
        elif y.low <= point.y <= y.high:
            canvas.dot(x(point.x), y(point.y), 4.2, f"candidate {kind}", hint=point.hint)
        else:
            canvas.dot(x(point.x), bottom if greater_is_better else top, 4.2, f"outside {kind}", hint=point.hint)
    return canvas.markup()


def scatter(
    xs: Sequence[float], ys: Sequence[float], *, title: str, x_label: str, y_label: str,
    line: bool = False, guide: Literal["diagonal"] | float | None = None, unit: bool = False,
    hints: Sequence[str] = (), marks: Sequence[str] = (), spreads: Sequence[tuple[float, float]] = (),
) -> Markup:  # fmt: skip
    """Points, or a line through them, in a square.

    Parameters
    ----------
    guide
        ``"diagonal"`` draws x = y (and gives both axes the same range), a number that y across the drawing.
    unit
        Both axes show 0 to 1.
    marks
        Short texts to be written at the ends of ``spreads``.
    spreads
        Intervals of y.
    """
    size, left, top = 400, 66, 34
    bottom, right = size - 52, size - 10
    canvas = Canvas(size, size, title=title, kind="square")
    both = [0.0, 1.0] if unit else [*xs, *ys]
    x = Scale.over(both if guide == "diagonal" or unit else xs, left, right, margin=0.03)
    y = Scale.over(both if guide == "diagonal" or unit else [*ys, guide], bottom, top, margin=0.03)
    canvas.x_axis(x, top, bottom, x_label)
    canvas.y_axis(y, left, right, y_label)
    if guide == "diagonal":
        canvas.line(x(x.low), y(x.low), x(x.high), y(x.high), "reference")
    elif guide is not None:
        canvas.line(left, y(guide), right, y(guide), "reference")
    if line:
        canvas.polyline([(x(a), y(b)) for a, b in zip(xs, ys, strict=True)], "curve")
    for a, (low, high) in zip(xs, spreads, strict=False):
        canvas.line(x(a), y(low), x(a), y(high), "interval")
    for index, (a, b) in enumerate(zip(xs, ys, strict=True)):
        if not line or hints:
            hint = hints[index] if hints else ""
            canvas.dot(x(a), y(b), 5 if hints else 3, "estimate" if hints else "sample", hint=hint)
    for a, b, (low, high), mark in zip(xs, ys, spreads, marks, strict=False):
        above, below = min(y(high) - 5, y(b) - 9), max(y(low) + 14, y(b) + 18)
        canvas.text(x(a), above if above > top + 9 else below, mark, "tick", anchor="middle")
    return canvas.markup()


def confusion_matrix(classes: Sequence[str], matrix: Sequence[Sequence[int]], *, title: str) -> Markup:
    """Rows are true classes, columns predicted ones; the shade of a cell is its share of its row."""
    count = len(classes)
    numbered = count <= MOST_NUMBERED_CLASSES
    left, top = 96, 44
    cell = (400 - left) / count if count > 3 else 92
    side = cell * count
    canvas = Canvas(max(left + side + 4, 300), top + side + 6, title=title, kind="square")
    canvas.text(left + side / 2, 14, "predicted", "axis", anchor="middle")
    canvas.text(4, top - 10, "true", "axis")
    for row, name in enumerate(classes):
        total = sum(matrix[row])
        if numbered:
            canvas.text(left - 8, top + cell * (row + 0.5) + 4, shorten(name, 11), "tick", anchor="end", hint=name)
            width = max(2, int(cell / 7.5))
            canvas.text(left + cell * (row + 0.5), top - 10, shorten(name, width), "tick", anchor="middle", hint=name)
        for column, amount in enumerate(matrix[row]):
            share = amount / total if total else 0.0
            hint = f"true {name}, predicted {classes[column]}: {amount} ({percent(share)} of the row)"
            at_x, at_y = left + cell * column, top + cell * row
            kind = "right" if row == column else "wrong"
            canvas.rect(at_x + 1, at_y + 1, cell - 2, cell - 2, "empty")
            canvas.rect(at_x + 1, at_y + 1, cell - 2, cell - 2, f"cell {kind}", hint=hint, opacity=0.9 * share)
            if numbered:
                ink = "inverse" if share > 0.55 else "" if amount else "none"
                middle = (at_x + cell / 2, at_y + cell / 2 + 4)
                canvas.text(*middle, f"{amount:,}", f"count {ink}", anchor="middle", hint=hint)
    return canvas.markup()


def _head(canvas: Canvas, row: Interval | Bar, y: float) -> None:
    """Label at the left, text at the right, shortened so that they fit beside each other on a phone."""
    text = shorten(row.text, max(MOST_CHARACTERS - len(row.label), MOST_CHARACTERS // 2))
    label = shorten(row.label, MOST_CHARACTERS - len(text))
    canvas.text(4, y, label, f"label {row.kind}", hint=row.label if label != row.label else "")
    canvas.text(WIDTH - 4, y, text, f"value {row.kind}", anchor="end", hint=row.text if text != row.text else "")


def _draw_interval(canvas: Canvas, scale: Scale, row: Interval, y: float) -> None:
    hint = f"{row.label}: {row.text}"
    if row.value is None:
        return
    if not scale.low <= row.value <= scale.high:
        edge, inwards = (scale.start, 9) if row.value < scale.low else (scale.stop, -9)
        canvas.polyline([(edge + inwards, y - 6), (edge, y), (edge + inwards, y + 6)], f"arrow {row.kind}", hint=hint)
        return
    if row.low is not None and row.high is not None:
        low, high = max(row.low, scale.low), min(row.high, scale.high)
        canvas.line(scale(low), y, scale(high), y, f"interval {row.kind}")
    canvas.dot(scale(row.value), y, 5.5, f"estimate {row.kind}", hint=hint)


def _better_part(scores: Sequence[float], greater_is_better: bool) -> list[float]:
    """The scores down to the worst quartile, and twice as far again: what is worth the resolution of an axis."""
    ordered = sorted((score for score in scores if is_number(score)), reverse=greater_is_better)
    if not ordered:
        return []
    best, usual = ordered[0], ordered[(3 * (len(ordered) - 1)) // 4]
    return [score for score in ordered if abs(score - best) <= 3 * abs(usual - best)]


def _best_so_far(points: Sequence[Point], greater_is_better: bool) -> list[tuple[float, float]]:
    better: Callable[..., float] = max if greater_is_better else min
    steps: list[tuple[float, float]] = []
    for point in points:
        if point.y is None:
            continue
        best = better(steps[-1][1], point.y) if steps else point.y
        if steps:
            steps.append((point.x, steps[-1][1]))
        steps.append((point.x, best))
    return steps
