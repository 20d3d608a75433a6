"""Writing a spec with every field of the format: those that are known set, the others commented out."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mlestar.spec.models import Scope

__all__ = ["Entry", "commented_spec"]

_WIDTH, _COMMENT_COLUMN = 120, 34
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*|[0-9]+[hms]")
_NOT_PLAIN = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}  # in YAML 1.1 or 1.2


@dataclass(frozen=True)
class Entry:
    """What is known of a field.

    Attributes
    ----------
    value
        What JSON can hold.
    reason
        Why, for the comment.
    is_set
        Whether the field is set, rather than shown in a comment.
    """

    value: Any
    reason: str = ""
    is_set: bool = True


def commented_spec(
    entries: Mapping[str, Entry],
    *,
    head: Sequence[str],
    notes: Mapping[str, Sequence[str]],
    left_out: Collection[str] = (),
) -> str:
    """The YAML text of a spec, each field with its description as a comment.

    Parameters
    ----------
    entries
        By dotted path. Fields without an entry show their default, or an example.
    head
        Lines of comment that the text begins with.
    notes
        Lines of comment before a section, by its key.
    left_out
        Paths of fields that make no sense here.
    """
    lines, after_section = [*_comments(head), ""], False
    for key, info in _fields(Scope):
        section = _section(info)
        if section is None:
            lines += [""] * after_section
            after_section = False
            lines += _field(key, info, entries.get(key), "")
            continue
        after_section = True
        paths = {f"{key}.{name}": each for name, each in _fields(section) if f"{key}.{name}" not in left_out}
        is_used = any(path in entries and entries[path].is_set for path in paths)
        lines += ["", *_comments(notes.get(key, ()))]
        lines += _beside(f"{key}:" if is_used else f"# {key}:", (section.__doc__ or "").strip())
        for path, each in paths.items():
            lines += _field(path.partition(".")[2], each, entries.get(path), "  " if is_used else "#   ")
    return "\n".join(lines) + "\n"


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        yield info.alias or name, info


def _section(info: FieldInfo) -> type[BaseModel] | None:
    kinds = (info.annotation, *get_args(info.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _field(key: str, info: FieldInfo, entry: Entry | None, indent: str) -> list[str]:
    description = info.description or ""
    if entry is not None:
        mark = "" if entry.is_set or indent.startswith("#") else "# "
        return _beside(f"{indent}{mark}{key}: {_flow(entry.value)}", f"{description} {entry.reason}")
    mark = "" if indent.startswith("#") else "# "
    default = None if info.is_required() else info.get_default()
    if default is None or default in ((), {}):
        [shown, *_] = info.examples or [""]
        return _beside(f"{indent}{mark}{key}: {_flow(shown)}", f"{description} (example)")
    return _beside(f"{indent}{mark}{key}: {_flow(default)}", f"{description} (default)")


def _beside(text: str, comment: str) -> list[str]:
    """The text with the comment at its right; what does not fit goes below."""
    wrapped = textwrap.wrap(_printable(comment), _WIDTH - _COMMENT_COLUMN - 2)
    if not wrapped:
        return [text]
    margin = " " * _COMMENT_COLUMN + "# "
    first = [f"{text:<{_COMMENT_COLUMN}}# {wrapped[0]}"] if len(text) < _COMMENT_COLUMN else [text, margin + wrapped[0]]
    return [*first, *(margin + line for line in wrapped[1:])]


def _comments(lines: Sequence[str]) -> Iterator[str]:
    """The lines as comments; one that is too long goes on in the next."""
    for line in lines:
        text, hanging = _printable(line), "  " if line.startswith("- ") else ""
        short = [text] if len(text) <= _WIDTH - 2 else textwrap.wrap(text, _WIDTH - 2, subsequent_indent=hanging)
        yield from (f"# {each}".rstrip() for each in short or [""])


def _printable(text: str) -> str:
    """On one line, and without what YAML does not allow."""
    return "".join(character if character.isprintable() else " " for character in text)


def _flow(value: Any) -> str:
    """A value as YAML on one line, quoted only where it must be."""
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) and value.casefold() not in _NOT_PLAIN
        return value if is_plain else json.dumps(value, ensure_ascii=not value.isprintable())
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return json.dumps(value)
