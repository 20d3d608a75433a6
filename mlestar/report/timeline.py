"""The picture of scores in the order of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlestar.report.numbers import is_number, plain
from mlestar.report.svg import Canvas, Scale

__all__ = ["Line", "timeline"]

LABELS = 3
DAY, MINUTE = 10, 16  # characters of a time in ISO 8601


@dataclass(frozen=True)
class Line:
    """The scores of one model, part by part; None where there is none."""

    label: str
    scores: Sequence[float | None]


def timeline(
    lines: Sequence[Line], start: Sequence[Any], end: Sequence[Any], rows: Sequence[int], *,
    title: str, axis: str, show: Callable[[Any], str],
) -> Markup:  # fmt: skip
    """One line per model over consecutive parts of the data, the first one emphasised.

    Parameters
    ----------
    start, end
        Times of the first and the last row of each part, as ISO 8601 or numbers.
    show
        Writes a score.
    """
    width, height, left, top, right = 760, 320, 76, 34, 748
    bottom = height - 44
    canvas = Canvas(width, height, title=title, kind="wide")
    x = Scale(-0.5, len(start) - 0.5, left, right)
    y = Scale.over([score for line in lines for score in line.scores], bottom, top)
    canvas.y_axis(y, left, right, axis)
    precise = DAY if len({_moment(each, DAY) for each in start}) == len(start) else MINUTE
    step = -(-len(start) // LABELS)
    for part in range(0, len(start), step):
        canvas.line(x(part), top, x(part), bottom, "grid")
        canvas.text(x(part), bottom + 19, _moment(start[part], precise), "tick", anchor="middle" if part else "start")
    for number, line in reversed(list(enumerate(lines))):
        kind = "" if number == 0 else "faint"
        path = [(x(part), y(score)) for part, score in enumerate(line.scores) if is_number(score)]
        if path:
            canvas.polyline(path, f"curve {kind}")
        for part, score in enumerate(line.scores):
            if is_number(score):
                span = f"{_moment(start[part], precise)} to {_moment(end[part], precise)}, {plain(rows[part])} rows"
                canvas.dot(x(part), y(score), 4, f"estimate {kind}", hint=f"{line.label}, {span}: {show(score)}")
    return canvas.markup()


def _moment(value: Any, characters: int) -> str:
    return value[:characters].replace("T", " ") if isinstance(value, str) else f"{value:.10g}"
