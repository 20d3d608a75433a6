"""How the report writes numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeGuard

__all__ = ["ABSENT", "ScoreFormat", "duration", "is_number", "percent", "plain"]

ABSENT = "–"
MINUS = "−"


def is_number(value: Any) -> TypeGuard[float]:
    """Whether ``value`` is a finite number (booleans are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class ScoreFormat:
    """Scores of one run with the same number of decimals, so that columns and sentences can be compared."""

    decimals: int

    @classmethod
    def suited_to(cls, scores: Iterable[Any]) -> ScoreFormat:
        """Four significant digits for the largest of ``scores``."""
        largest = max((abs(score) for score in scores if is_number(score)), default=0.0)
        magnitude = math.floor(math.log10(largest)) if largest > 0 else 0
        return cls(min(max(3 - magnitude, 0), 8))

    def __call__(self, value: Any) -> str:
        return _with_minus(f"{value:,.{self.decimals}f}") if is_number(value) else ABSENT

    def with_error(self, value: Any, error: Any) -> str:
        """The value and its standard error, where there is one."""
        return f"{self(value)} ± {self(error)}" if is_number(value) and is_number(error) else self(value)

    def signed(self, value: Any, error: Any = None) -> str:
        """The value with its sign, and its standard error; what rounds to zero has no sign."""
        text = self.with_error(value, error)
        return f"+{text}" if is_number(value) and value > 0 and self(value) != self(0.0) else text


def plain(value: Any) -> str:
    """Any scalar as a reader expects it: thousands separated, four significant digits, yes and no."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _with_minus(f"{value:,}")
    if isinstance(value, float):
        return _plain_float(value)
    return str(value)


def percent(share: float) -> str:
    """A share of one as a percentage, never rounded to nothing."""
    return "<0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"


def duration(seconds: Any) -> str:
    """Seconds in the units that a person would use."""
    if not is_number(seconds):
        return ABSENT
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _plain_float(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    if value == round(value) and abs(value) < 1e15:
        return _with_minus(f"{value:,.0f}")
    return _with_minus(f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:,.4g}")


def _with_minus(text: str) -> str:
    if text.startswith("-"):
        return text[1:] if float(text.replace(",", "")) == 0 else MINUS + text[1:]
    return text
