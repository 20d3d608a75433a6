"""The errors that a user can cause, and can mend."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "BudgetError",
    "DataError",
    "MlestarError",
    "ModelError",
    "SolutionError",
    "SpecError",
    "StorageError",
    "listed",
    "named",
    "quoted",
    "reason",
]

_LONGEST_QUOTE = 60
_LONGEST_REASON = 200


def quoted(value: object) -> str:
    """A value from the user's files for a message: on one line whatever it holds, and cut where it is long.

    Examples
    --------
    >>> print(quoted("net\\nprice"), quoted("x" * 10_000))
    'net\\nprice' 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
    """
    text = repr(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."


def listed(values: Sequence[object], most: int = 12) -> str:
    """The first values from the user's files, quoted, for a message.

    Examples
    --------
    >>> print(listed(["price", "area", "rooms"], most=2))
    'price', 'area', ...
    """
    return ", ".join(map(quoted, values[:most])) + (", ..." if len(values) > most else "")


def reason(error: Exception) -> str:
    r"""What an exception of a library says, for a message: on one line, and cut where it is long.

    Examples
    --------
    >>> reason(ValueError("bad byte \x0e\nin page 1"))
    'bad byte \\x0e in page 1'
    """
    text = " ".join(str(error).split()) or type(error).__name__
    text = "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."


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


class StorageError(MlestarError):
    """A folder or a store that the run needs is full, cannot be written to, or is gone."""


def named(name: str, message: str) -> MlestarError | None:
    """The error of this name, as another process tells it; None where it is none of these."""
    kind = globals().get(name)
    return kind(message) if isinstance(kind, type) and issubclass(kind, MlestarError) else None
