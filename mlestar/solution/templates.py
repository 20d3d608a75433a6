"""The templates that programs and their tests are rendered from, and constants as source."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import jinja2

__all__ = ["literal", "one_line", "template"]


@cache
def template(name: str) -> jinja2.Template:
    """A template of this package; its filter ``literal`` is the function of that name."""
    environment = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters["literal"] = literal
    return environment.from_string((files("mlestar.solution") / name).read_text(encoding="utf-8"))


def literal(value: Any) -> str:
    """Python source of a constant; strings in double quotes where that needs no escapes."""
    if isinstance(value, tuple):
        return f"({', '.join(literal(each) for each in value)}{',' if len(value) == 1 else ''})"
    written = repr(value)
    return f'"{value}"' if isinstance(value, str) and '"' not in value and written == f"'{value}'" else written


def one_line(text: str) -> str:
    """Text of a user for a comment: one line, no matter what it holds."""
    return repr(text)[1:-1]
