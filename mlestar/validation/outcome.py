"""What a check found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

__all__ = ["Outcome", "Severity", "Status", "number"]

Status: TypeAlias = Literal["pass", "warn", "fail", "not_run"]
Severity: TypeAlias = Literal["error", "warn", "off"]


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes
    ----------
    status : {"pass", "warn", "fail", "not_run"}
    summary : str
        One sentence in plain words, without a full stop.
    evidence : mapping
        What JSON can hold: the figures behind it.
    """

    status: Status
    summary: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


def number(value: float) -> str:
    """A figure in a sentence: four significant digits, and no exponent where people write none.

    Examples
    --------
    >>> number(0.84713), number(-3.0), number(51234.56)
    ('0.8471', '-3', '51,235')
    """
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
