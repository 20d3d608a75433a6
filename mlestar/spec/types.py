"""The types of spec fields that pydantic has not got, each with its JSON Schema."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, WithJsonSchema

from mlestar.errors import quoted

__all__ = [
    "LEAST_WALL_CLOCK",
    "MOST_WALL_CLOCK",
    "ColumnName",
    "Names",
    "SeveralNames",
    "Slug",
    "TableName",
    "Uri",
    "WallClock",
]

LEAST_WALL_CLOCK = 20.0
MOST_WALL_CLOCK = 30 * 24 * 3600.0

# Both patterns are also part of the JSON Schema, so they keep to what ECMA-262 and Python read alike.
_DURATION = r"^(?=[0-9])(([0-9]+(\.[0-9]+)?)h)?(([0-9]+(\.[0-9]+)?)m)?(([0-9]+(\.[0-9]+)?)s)?$"
_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_TABLE_NAME = r"^[a-z][a-z0-9_]*$"
_BREAKING = ("Cc", "Cs", "Zl", "Zp")  # Unicode's categories of control characters, half characters and line breaks
_LONGEST_SLUG = 63  # a Kubernetes label holds no more


def _seconds(value: Any) -> Any:
    """Seconds of a duration such as ``1h30m``; numbers are left to the field's own type."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    match = re.fullmatch(_DURATION, value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{quoted(value)} is not a duration; write 90s, 10m, 1h30m or a number of seconds")
    hours, minutes, seconds = (float(match[group] or 0) for group in (2, 5, 8))
    return 3600 * hours + 60 * minutes + seconds


def _reasonable(seconds: float) -> float:
    if seconds < LEAST_WALL_CLOCK:
        raise ValueError(
            f"{seconds:g} s is too short to start, fit and validate even one model; write {LEAST_WALL_CLOCK:g}s or more"
        )
    if seconds > MOST_WALL_CLOCK:
        raise ValueError(f"{seconds:g} s is more than 30 days; write at most {MOST_WALL_CLOCK / 3600:g}h")
    return seconds


def _on_one_line(uri: str) -> str:
    if any(unicodedata.category(character) in _BREAKING for character in uri):
        raise ValueError(f"{quoted(uri)} holds a line break or another control character; write a path or a URI")
    return uri


def _slug(value: str) -> str:
    if re.fullmatch(_SLUG, value) and len(value) <= _LONGEST_SLUG:
        return value
    slug = re.sub("[^a-z0-9]+", "-", value.lower())[:_LONGEST_SLUG].strip("-")
    raise ValueError(
        f"{quoted(value)} is not a name of lower-case letters, digits and single hyphens (at most {_LONGEST_SLUG})"
        f"; write {slug or 'my-scope'!r}"
    )


def _table_name(value: str) -> str:
    if re.fullmatch(_TABLE_NAME, value):
        return value
    name = re.sub("[^a-z0-9]+", "_", value.lower()).strip("_0123456789")
    remedy = f"write {name or 'my_table'!r}"
    raise ValueError(f"{quoted(value)} is not a name of lower-case letters, digits and underscores; {remedy}")


def _instead(remedy: str) -> dict[str, JsonValue]:
    """What editors say in place of the pattern; other validators do not know the keyword and ignore it."""
    return {"patternErrorMessage": remedy}


WallClock = Annotated[
    float,
    BeforeValidator(_seconds),
    AfterValidator(_reasonable),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": _DURATION, **_instead("write 90s, 10m, 1h30m or a number of seconds")},
                {"type": "number", "minimum": LEAST_WALL_CLOCK, "maximum": MOST_WALL_CLOCK},
            ]
        }
    ),
]
"""Seconds, written as ``90s``, ``10m``, ``1h30m`` or a number."""

Slug = Annotated[
    str,
    AfterValidator(_slug),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": _SLUG,
            "maxLength": _LONGEST_SLUG,
            **_instead("write lower-case letters, digits and single hyphens"),
        }
    ),
]
"""A name that can stand in a path, a URI and a Kubernetes label."""


TableName = Annotated[
    str,
    AfterValidator(_table_name),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": _TABLE_NAME,
            **_instead("write lower-case letters, digits and underscores, a letter first"),
        }
    ),
]
"""A name that columns can begin with, and a file name."""


Uri = Annotated[str, Field(min_length=1), AfterValidator(_on_one_line)]
"""A path or a URI."""


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise ValueError(f"{quoted(name)} is named twice; name it once")
    return names


ColumnName = Annotated[str, Field(min_length=1)]

# Models are strict, so that 5 is not taken for true or "5" for 5; but YAML and JSON have lists only, no tuples.
_UNIQUE: dict[str, JsonValue] = {"uniqueItems": True}

Names = Annotated[tuple[ColumnName, ...], Field(strict=False, json_schema_extra=_UNIQUE), AfterValidator(_distinct)]
"""Column names, each once."""

SeveralNames = Annotated[
    tuple[ColumnName, ...], Field(strict=False, min_length=1, json_schema_extra=_UNIQUE), AfterValidator(_distinct)
]
"""Column names, each once, at least one."""
