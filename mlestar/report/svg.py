"""Drawing on an SVG that is placed into a page: elements, scales and axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from markupsafe import Markup

from mlestar.report.numbers import MINUS, is_number

__all__ = ["Canvas", "Scale", "shorten"]

NOTHING = 1e-9  # a scale to something smaller would have no ticks that a float can hold


def shorten(text: str, characters: int) -> str:
    """``text`` with its middle left out when it is longer than ``characters``."""
    if len(text) <= characters:
        return text
    tail = characters // 3
    return f"{text[: characters - tail - 1]}…{text[len(text) - tail :]}"


@dataclass(frozen=True)
class Scale:
    """A linear scale from data (``low`` to ``high``) to user units of the drawing (``start`` to ``stop``)."""

    low: float
    high: float
    start: float
    stop: float

    @classmethod
    def over(cls, values: Iterable[float | None], start: float, stop: float, *, margin: float = 0.06) -> Scale:
        """A scale that shows all finite ``values`` with some room at both ends, even if there are none, or only one."""
        finite = [float(value) for value in values if is_number(value)]
        low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
        room = (high - low) * margin or abs(high) * 0.05 or 1.0
        return cls(low - room, high + room, start, stop)

    @classmethod
    def from_zero(cls, values: Iterable[float], start: float, stop: float) -> Scale:
        """A scale from zero to the largest of ``values``; to one where that is nothing, as far as can be drawn."""
        largest = max(values, default=0.0)
        return cls(0.0, largest if largest > NOTHING else 1.0, start, stop)

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start)

    def ticks(self, about: int = 5) -> list[tuple[float, str]]:
        """Round values within the scale, and how to write them."""
        rough = (self.high - self.low) / about
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        labels = {
            index * step: f"{MINUS if index < 0 else ''}{abs(index * step):,.{decimals}f}"
            for index in range(first, last + 1)
        }
        return [(min(max(value, self.low), self.high), label) for value, label in labels.items()]  # but for rounding


class Canvas:
    """One drawing. Text is escaped by the serializer; colours and fonts come from the page's style sheet by class.

    Parameters
    ----------
    width, height
        Size in user units, which are CSS pixels unless the page has less room.
    title
        What the drawing shows, for screen readers and as the tooltip of its empty parts.
    """

    def __init__(self, width: float, height: float, *, title: str, kind: str = "") -> None:
        self.width, self.height = width, height
        self._root = ElementTree.Element(
            "svg",
            {
                "class": f"chart {kind}".strip(),
                "viewBox": f"0 0 {_units(width)} {_units(height)}",
                "width": _units(width),
                "role": "img",
                "aria-label": title,
            },
        )
        ElementTree.SubElement(self._root, "title").text = title

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        self._add("line", kind, x1=x1, y1=y1, x2=x2, y2=y2)

    def rect(
        self, x: float, y: float, width: float, height: float, kind: str, *, hint: str = "", opacity: float = 1.0
    ) -> None:
        element = self._add("rect", kind, hint, x=x, y=y, width=max(width, 0), height=max(height, 0))
        if opacity != 1:
            element.set("fill-opacity", f"{opacity:.3f}")

    def dot(self, x: float, y: float, radius: float, kind: str, *, hint: str = "") -> None:
        self._add("circle", kind, hint, cx=x, cy=y, r=radius)

    def cross(self, x: float, y: float, size: float, kind: str, *, hint: str = "") -> None:
        start, side = f"M{_units(x - size)} {_units(y - size)}", _units(2 * size)
        self._path(f"{start}l{side} {side}m0 -{side}l-{side} {side}", kind, hint)

    def polyline(self, points: Sequence[tuple[float, float]], kind: str, *, hint: str = "") -> None:
        self._path("M" + "L".join(f"{_units(x)} {_units(y)}" for x, y in points), kind, hint)

    def text(self, x: float, y: float, content: str, kind: str = "", *, anchor: str = "start", hint: str = "") -> None:
        element = self._add("text", kind, x=x, y=y)
        element.set("text-anchor", anchor)
        element.text = content
        if hint:
            ElementTree.SubElement(element, "title").text = hint
            element[-1].tail, element.text = content, None

    def x_axis(self, scale: Scale, top: float, bottom: float, label: str = "") -> None:
        """Grid lines with their values below, and what they measure."""
        for value, name in scale.ticks():
            self.line(scale(value), top, scale(value), bottom, "grid")
            self.text(scale(value), bottom + 17, name, "tick", anchor="middle")
        if label:
            self.text((scale.start + scale.stop) / 2, bottom + 39, label, "axis", anchor="middle")

    def y_axis(self, scale: Scale, left: float, right: float, label: str = "") -> None:
        """Grid lines with their values at the left, and what they measure above."""
        for value, name in scale.ticks():
            self.line(left, scale(value), right, scale(value), "grid")
            self.text(left - 8, scale(value) + 4, name, "tick", anchor="end")
        if label:
            self.text(0, min(scale.start, scale.stop) - 10, label, "axis")

    def markup(self) -> Markup:
        """The drawing, to be placed into HTML."""
        return Markup(ElementTree.tostring(self._root, encoding="unicode"))

    def _path(self, path: str, kind: str, hint: str) -> None:
        self._add("path", kind, hint).set("d", path)

    def _add(self, tag: str, kind: str, hint: str = "", **geometry: float) -> ElementTree.Element:
        attributes = {"class": kind} if kind else {}
        element = ElementTree.SubElement(self._root, tag, attributes | {k: _units(v) for k, v in geometry.items()})
        if hint:
            ElementTree.SubElement(element, "title").text = hint
        return element


def _units(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
