"""What pydantic found wrong with a spec, in words for who wrote it."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from mlestar.errors import SpecError, quoted
from mlestar.spec.models import Scope
from mlestar.spec.source import Source, readable
from mlestar.spec.suggestions import did_you_mean

__all__ = ["explain"]

_MOST = 10
_ANY = "*"  # in a path, for a name that the user has chosen

_EXPECTED: dict[str, str] = {
    "string_type": "text",
    "string_unicode": "text of whole characters",
    "string_too_short": "text that is not empty",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "too_short": "a list that is not empty",
    "too_long": "at most {max_length} entries",
    "mapping_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "literal_error": "{expected}",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
}


def explain(error: ValidationError, content: Mapping[str, Any], source: Source) -> SpecError:
    """One line per mistake, in the order of the document, ten at most.

    Parameters
    ----------
    error
        Raised by validating ``content`` as a :class:`~mlestar.spec.Scope`.
    content
        The document.
    source
        Where its fields stand.
    """
    found: dict[str, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        found.setdefault(_path(details, content), []).append(details)
    # "text or a list of text" fails twice for a list with a number in it; the deeper complaint is the right one.
    paths = [path for path in found if not any(other.startswith(f"{path}.") for other in found)]
    paths.sort(key=lambda path: math.inf if (line := source.line(path)) is None else line)
    messages = [str(_problem(path, found[path], content, source)) for path in paths[:_MOST]]
    if len(paths) > _MOST:
        messages.append(f"{source.name}: {len(paths) - _MOST} more; mend these first")
    return SpecError("\n".join(messages))


def _path(details: ErrorDetails, content: Any) -> str:
    """Dotted path, without the members of unions that pydantic names in between."""
    if details["type"] == "missing":
        return ".".join(map(str, details["loc"]))
    steps = []
    for step in details["loc"]:
        inside = content if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
        if step in inside:
            content = content[step]
            steps.append(str(step))
    return ".".join(steps)


def _problem(path: str, found: list[ErrorDetails], content: Mapping[str, Any], source: Source) -> SpecError:
    details = next((one for one in found if one["type"] == "value_error"), found[0])
    if details["type"] == "extra_forbidden":
        *section, key = map(str, details["loc"])
        return SpecError(f"{source.locate(path)}: {_unknown_key(section, key)}")
    if details["type"] == "missing":
        example, *_ = _fields()[_general(details["loc"])].examples or ("...",)
        if isinstance(example, dict):
            example = f"{{{', '.join(f'{key}: {value}' for key, value in example.items())}}}"
        return source.error(path, f"is missing; add it, such as {details['loc'][-1]}: {example}")
    if details["type"] == "value_error":
        return source.error(path, str(details["ctx"]["error"]))
    phrases = [_EXPECTED[one["type"]].format(**one.get("ctx", {})) for one in found if one["type"] in _EXPECTED]
    *others, last = dict.fromkeys(phrases or [details["msg"]])
    expected = f"{', '.join(others)} or {last}" if others else last
    value = details["input"]
    return source.error(path, f"expected {expected}, not {_given(value)}{_remedy(value, expected)}")


def _remedy(value: Any, expected: str) -> str:
    if isinstance(value, int | float) and expected.startswith("text"):
        return f"; quote it: '{_given(value)}'"
    if isinstance(value, str) and expected == "a list":
        return f"; write [{_given(value)}]"
    choices = re.findall("'([^']+)'", expected)
    return did_you_mean(value, choices) if isinstance(value, str) and len(choices) > 1 else ""


def _given(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return str(value).lower() if isinstance(value, bool) else quoted(value)


def _unknown_key(section: Sequence[str], key: str) -> str:
    """Suggest a sibling, else the section that has such a key, else name the siblings."""
    message = f"unknown key {_given(key)}" + (f" in {readable('.'.join(section))}" if section else "")
    siblings = [_split(path)[1] for path in _fields() if _split(path)[0] == _general(section)]
    elsewhere = [path for path in _fields() if _split(path)[1] == key and _ANY not in path]
    if elsewhere:
        return f"{message}; did you mean {elsewhere[0]!r}?" if "." in elsewhere[0] else f"{message}; it goes to the top"
    return message + (did_you_mean(key, siblings) or f"; the keys are {', '.join(siblings)}")


def _general(steps: Iterable[str | int]) -> str:
    """The path of these steps as :func:`_fields` has it."""
    path = ""
    for step in steps:
        named = f"{path}.{step}" if path else str(step)
        path = named if named in _fields() else f"{path}.{_ANY}"
    return path


def _split(path: str) -> tuple[str, str]:
    section, _, key = path.rpartition(".")
    return section, key


@functools.cache
def _fields() -> Mapping[str, FieldInfo]:
    """Every field of the format by its dotted path, with a star for names that the user chooses."""
    return dict(_walk(Scope, ""))


def _walk(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        path = prefix + (info.alias or name)
        yield path, info
        for kind in (info.annotation, *get_args(info.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                chosen = get_origin(info.annotation) is Mapping
                yield from _walk(kind, f"{path}.{_ANY}." if chosen else f"{path}.")
