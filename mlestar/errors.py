"""The errors that a user can cause, and can mend."""

from __future__ import annotations

__all__ = ["BudgetError", "DataError", "MlestarError", "ModelError", "SolutionError", "SpecError"]


class MlestarError(Exception):
    """One line that names the place (file, line, field, column, value) and ends with the remedy."""


class SpecError(MlestarError):
    """The scope spec cannot be read or contradicts itself."""


class DataError(MlestarError):
    """The data cannot be read, or does not fit the spec."""


class SolutionError(MlestarError):
    """A block or a program breaks the block contract."""


class BudgetError(MlestarError):
    """The budget does not suffice for the least that must be done."""


class ModelError(MlestarError):
    """A model directory is damaged, untrusted or of another version."""
