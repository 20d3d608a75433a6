"""From YAML or JSON text to plain values, with the line of each.

YAML is read by the core schema of YAML 1.2, less the numbers that JSON does not have: ``Yes``, ``off``, ``1:30``,
``1_000``, ``0x1F``, ``007`` and ``2024-01-31`` stay the text that they are in the data (YAML 1.1, PyYAML's default,
makes booleans, numbers and dates of them).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

import yaml

from mlestar.errors import SpecError

__all__ = ["read_mapping", "read_value"]

Lines = dict[str, int]

_TAG = "tag:yaml.org,2002:"
_INTEGER = r"[-+]?(0|[1-9][0-9]*)"
_FLOAT = rf"({_INTEGER}(\.[0-9]*)?|[-+]?\.[0-9]+)([eE][-+]?[0-9]+)?"
_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": lambda text: text.encode("utf-16", "surrogatepass").decode("utf-16"),  # "\ud83d\ude00" is one character
    "int": int,
    "float": float,
    "bool": {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}.__getitem__,
    "null": lambda _: None,
}


class _RefusedError(yaml.MarkedYAMLError):
    """YAML that a spec does not need; the problem ends with the remedy."""

    def __init__(self, mark: yaml.Mark, problem: str) -> None:
        super().__init__(problem=problem, problem_mark=mark)


class _Loader(yaml.SafeLoader):
    """The YAML 1.2 core schema, without aliases (they are cycles and exponential growth in disguise)."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _RefusedError(mark, "an alias (*name) is not supported; write the value out")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {}
for _kind, _pattern, _first in (
    ("null", r"(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"(true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", rf"{_INTEGER}$", list("-+0123456789")),
    ("float", rf"{_FLOAT}$", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(_pattern), _first)


def read_mapping(text: str, name: str) -> tuple[dict[str, Any], Lines]:
    """Read a document whose top level is a mapping.

    Parameters
    ----------
    text
        YAML or JSON.
    name
        What errors call the document; a file's path.

    Returns
    -------
    tuple of dict and dict
        The content, and the line (from 1) of each value by its dotted path, ``""`` for the document itself. Text that
        is JSON has no lines: it is what stages exchange.

    Raises
    ------
    SpecError
        Naming line and column where the text cannot be read.
    """
    content, lines = read_value(text, name)
    if content is None:
        raise SpecError(f"{name}: is empty; begin with 'apiVersion: mlestar/v1'")
    if not isinstance(content, dict):
        given = "a list" if isinstance(content, list) else "a single value"
        raise SpecError(f"{name}: {given} is at the top level; write keys and values, 'apiVersion: mlestar/v1' first")
    return content, lines


def read_value(text: str, name: str) -> tuple[Any, Lines]:
    """Read a document of any form: as :func:`read_mapping`, and None for an empty one."""
    try:
        # YAML is not quite a superset of JSON: PyYAML folds U+2028 and refuses U+007F inside of strings.
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse), {}
    except ValueError:
        return _read_yaml(text, name)
    except RecursionError:
        raise SpecError(f"{name}: is nested too deeply; write it flat") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("duplicate key")
    return content


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _read_yaml(text: str, name: str) -> tuple[Any, Lines]:
    lines: Lines = {}
    try:
        node = _compose(text)
        return None if node is None else _construct(node, "", lines), lines
    except RecursionError:
        raise SpecError(f"{name}: is nested too deeply; write it flat") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = f"{name}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        raise SpecError(f"{place}: the character U+{ord(text[error.position]):04X} is not allowed; remove it") from None
    except yaml.MarkedYAMLError as error:
        raise SpecError(_explain(error, name)) from None


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _explain(error: yaml.MarkedYAMLError, name: str) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    if isinstance(error, _RefusedError):
        return f"{place}: {error.problem}"
    problem = " ".join(", ".join(filter(None, (error.context, error.problem))).split())
    remedy = "check indentation and colons there, and quote text with special characters"
    if r"'\t'" in problem:
        remedy = "indent with spaces"
    return f"{place}: this is not YAML, {problem}; {remedy}"


def _construct(node: yaml.Node, path: str, lines: Lines) -> Any:
    """The plain value of ``node``; notes the lines of what is in it."""
    lines.setdefault(path, node.start_mark.line + 1)
    kind = node.tag.removeprefix(_TAG)
    if isinstance(node, yaml.MappingNode) and kind == "map":
        return _mapping(node, path, lines)
    if isinstance(node, yaml.SequenceNode) and kind == "seq":
        return [_construct(item, _inside(path, str(position)), lines) for position, item in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode) and kind in _SCALARS:
        return _scalar(node, kind)
    raise _RefusedError(node.start_mark, f"the tag {node.tag!r} is not supported; write a plain value")


def _mapping(node: yaml.MappingNode, path: str, lines: Lines) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise _RefusedError(
                key_node.start_mark, "a key is a list or a mapping; write text, or quote what has braces"
            )
        key = _scalar(key_node, "str")
        inside = _inside(path, key)
        if key in content:
            problem = f"duplicate key {key!r}, first on line {lines[inside]}; keep one of them"
            raise _RefusedError(key_node.start_mark, problem)
        lines[inside] = key_node.start_mark.line + 1
        content[key] = _construct(value_node, inside, lines)
    return content


def _scalar(node: yaml.ScalarNode, kind: str) -> Any:
    try:
        return _SCALARS[kind](node.value)
    except (ValueError, KeyError):
        shown = repr(node.value[:40])
        raise _RefusedError(node.start_mark, f"{shown} cannot be read as {kind}; write another value") from None


def _inside(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
