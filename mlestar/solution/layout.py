"""Python source as formatters lay it out: what fits on a line stands on one, the rest has a line per element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["LINE_LENGTH", "Call", "bracketed", "literal", "one_line", "tuple_literal"]

LINE_LENGTH = 120
_INDENT = 4


@dataclass(frozen=True)
class Call:
    """An expression with elements in brackets: a call, a tuple or a list.

    Parameters
    ----------
    opening : str
        Such as ``"model("`` or ``"["``.
    elements : sequence of str or Call
    closing : str
    """

    opening: str
    elements: Sequence[str | Call]
    closing: str = ")"

    def __str__(self) -> str:
        return f"{self.opening}{', '.join(map(str, self.elements))}{self.closing}"


def bracketed(expression: str | Call, indent: int = 0, *, before: int = 0, after: int = 0) -> str:
    """The expression as source; only lines after the first are indented.

    Parameters
    ----------
    expression : str or Call
    indent : int
        Columns in front of the line that the expression is on.
    before, after : int
        How many characters stand on its line before and after it, the indentation not counted.
    """
    line = str(expression)
    if isinstance(expression, str) or indent + before + len(line) + after <= LINE_LENGTH:
        return line
    inner = indent + _INDENT
    elements = [f"{' ' * inner}{bracketed(each, inner, after=1)},\n" for each in expression.elements]
    return f"{expression.opening}\n{''.join(elements)}{' ' * indent}{expression.closing}"


def literal(value: Any) -> str:
    """Python source of a constant; strings in double quotes where that needs no escapes."""
    if isinstance(value, tuple):
        return f"({', '.join(literal(each) for each in value)}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(key)}: {literal(each)}' for key, each in value.items())}}}"
    written = repr(value)
    return f'"{value}"' if isinstance(value, str) and '"' not in value and written == f"'{value}'" else written


def tuple_literal(values: tuple[Any, ...], indent: int = 0, *, before: str = "") -> str:
    """Python source of a tuple that stands behind ``before``, on one line or with a line per value."""
    if len(values) < 2:
        return literal(values)
    return bracketed(Call("(", [literal(each) for each in values]), indent, before=len(before))


def one_line(text: str) -> str:
    """Text of a user for a comment: one line, no matter what it holds."""
    return repr(text)[1:-1]
