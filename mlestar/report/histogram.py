"""How the values of a column are distributed, as a picture that fits into a table cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from mlestar.report.numbers import percent, plain
from mlestar.report.svg import Canvas, Scale

__all__ = ["histogram"]

WIDTH, HEIGHT = 160, 34
MOST_CHARACTERS = 19  # of an edge: a time in ISO 8601 up to the second


def histogram(column: str, distribution: Mapping[str, Any]) -> Markup:
    """Shares of the training rows as bars, of the holdout as a line.

    Parameters
    ----------
    distribution
        Counts by bin or by value: a column of ``profile`` in ``verdict.json``.
    """
    train, held_out = (_shares(distribution[part]) for part in ("train", "holdout"))
    canvas = Canvas(WIDTH, HEIGHT, title=f"{column}: {_described(distribution, train)}", kind="spark")
    base = HEIGHT - 1
    y = Scale.from_zero([*train, *held_out], base, 2)
    sides = [(WIDTH * index / len(train) + 0.5, WIDTH * (index + 1) / len(train) - 0.5) for index in range(len(train))]
    bars = [
        point
        for (left, right), share in zip(sides, train, strict=True)
        for point in ((left, base), (left, y(share)), (right, y(share)), (right, base))
    ]
    canvas.polyline(bars, "distribution")
    steps = zip(sides, held_out, strict=True)
    canvas.polyline([(x, y(share)) for side, share in steps for x in side], "held-out")
    canvas.line(0, base, WIDTH, base, "grid")
    return canvas.markup()


def _shares(counts: Sequence[int]) -> list[float]:
    whole = sum(counts) or 1
    return [count / whole for count in counts]


def _described(distribution: Mapping[str, Any], shares: Sequence[float]) -> str:
    """What the bars stand for."""
    if "values" in distribution:
        names = ["others" if value is None else str(value) for value in distribution["values"]]
        return ", ".join(f"{name} {percent(share)}" for name, share in zip(names, shares, strict=True) if share)
    low, high = (plain(edge)[:MOST_CHARACTERS] for edge in (distribution["edges"][0], distribution["edges"][-1]))
    return f"{low} to {high} {distribution.get('unit', '')}".rstrip()
