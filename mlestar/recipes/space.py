"""Search spaces: which values a recipe's parameters may take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["Choice", "Integer", "Parameter", "Real", "distributions"]


@dataclass(frozen=True)
class Integer:
    """Whole numbers from ``low`` to ``high``, both included."""

    low: int
    high: int
    log: bool = False

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and self.low <= value <= self.high

    def around(self, value: int, share: float) -> Integer:
        """The part of it that reaches so far from a value, as a share of the whole, on both sides."""
        low, high = _around(self.low, self.high, value, share, log=self.log)
        return Integer(min(math.ceil(low), value), max(math.floor(high), value), self.log)

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, log=self.log)


@dataclass(frozen=True)
class Real:
    """Numbers from ``low`` to ``high``, both included."""

    low: float
    high: float
    log: bool = False

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high

    def around(self, value: float, share: float) -> Real:
        """The part of it that reaches so far from a value, as a share of the whole, on both sides."""
        return Real(*_around(self.low, self.high, value, share, log=self.log), self.log)

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=self.log)


class Choice:
    """One of the given values, each None, a bool, a number or a string."""

    def __init__(self, *values: Any) -> None:
        self.values = values

    def __contains__(self, value: object) -> bool:
        return value in self.values

    def __repr__(self) -> str:
        return f"Choice{self.values!r}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Choice) and self.values == other.values

    def __hash__(self) -> int:
        return hash(self.values)

    def around(self, value: Any, share: float) -> Choice:
        """All of it: values have no order."""
        return self

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)


Parameter = Integer | Real | Choice


def _around(low: float, high: float, value: float, share: float, *, log: bool) -> tuple[float, float]:
    if log:
        factor = (high / low) ** share
        return max(low, value / factor), min(high, value * factor)
    reach = (high - low) * share
    return max(low, value - reach), min(high, value + reach)


def distributions(space: Mapping[str, Parameter]) -> dict[str, BaseDistribution]:
    """The space in Optuna's terms."""
    return {name: parameter.distribution() for name, parameter in space.items()}
