"""Source written for one task: what a block does for others is cut out.

A recipe serves tasks of many kinds, and asks ``ctx`` which one it has. In a program for one task the answers are known:
the questions, and what would follow other answers, only stand in the reader's way.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from mlestar.solution.layout import LINE_LENGTH, Call, bracketed
from mlestar.solution.source import edit

__all__ = ["specialised", "without_unused_parameters"]

_CONTEXT, _INDENT = "ctx", " " * 4
_FUNCTIONS = {"len": len, "bool": bool}
_UNKNOWN = object()

_Edit: TypeAlias = tuple[tuple[int, int, int, int], str]
"""A stretch of the text, as :func:`~mlestar.solution.source.edit` takes it, and what takes its place."""


def specialised(source: str, known: Mapping[str, Any]) -> str:
    """The source with every condition decided that depends on known fields of ``ctx`` alone.

    An ``if``, as a statement or within an expression, gives way to the branch that is taken, and what follows a
    ``return`` is dropped. Layout and comments of the rest stay.

    Parameters
    ----------
    source : str
    known : {field: value}
        What is known of ``ctx``.
    """
    while change := next(_changes(source, known), None):
        source = edit(source, dict([change]))
    return source


def without_unused_parameters(source: str, name: str) -> str:
    """The source, the function ``name`` without the keyword parameters that it does not read.

    Sentences of its docstring that name such a parameter, in single backticks, go with it.
    """
    function = next(each for each in ast.parse(source).body if isinstance(each, ast.FunctionDef) and each.name == name)
    read = {each.id for part in function.body for each in ast.walk(part) if isinstance(each, ast.Name)}
    keywords = function.args.kwonlyargs
    kept = [
        f"{each.arg}={ast.get_source_segment(source, default)}"
        for each, default in zip(keywords, function.args.kw_defaults, strict=True)
        if each.arg in read and default
    ]
    if len(kept) == len(keywords) or function.returns or function.body[0].lineno == function.lineno:
        return source
    first = [each.arg for each in function.args.args]
    signature = Call(f"def {name}(", [*first, "*", *kept] if kept else first)
    end = function.body[0].lineno
    changes = {(function.lineno, 0, end, 0): f"{bracketed(signature, after=1)}:\n"}
    text = ast.get_docstring(function)
    if text and (ast.get_source_segment(source, function.body[0]) or "").startswith('"'):  # no raw one
        gone = {each.arg for each in keywords} - read
        shorter = "\n\n".join(filter(None, (_without_sentences(each, gone) for each in text.split("\n\n"))))
        if shorter not in (text, ""):
            changes[_place(function.body[0])] = _as_docstring(shorter)
    return edit(source, changes)


def _without_sentences(paragraph: str, names: Iterable[str]) -> str:
    """The paragraph without the sentences that name one of these."""
    sentences = re.split(r"(?<=\.)\s+(?=[A-Z`])", paragraph)
    kept = [each for each in sentences if not any(re.search(rf"`{name}\b", each) for name in names)]
    if len(kept) == len(sentences):
        return paragraph
    return "\n".join(textwrap.wrap(" ".join(kept), LINE_LENGTH - len(_INDENT)))


def _as_docstring(text: str) -> str:
    lines = textwrap.indent(text, _INDENT).strip()
    return f'"""{lines}\n{_INDENT}"""' if "\n" in lines else f'"""{lines}"""'


def _changes(source: str, known: Mapping[str, Any]) -> Iterator[_Edit]:
    """What can be replaced, outermost first; after one change the places of the others are no longer true."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.If) and _is_movable(node, lines) and isinstance(taken := _taken(node, known), list):
            yield _whole_lines(lines, node, node), _statements(lines, taken, node)
        elif isinstance(node, ast.IfExp) and isinstance(taken := _taken(node, known), ast.expr):
            yield _place(node), ast.get_source_segment(source, taken) or ""
        for body in (getattr(node, name, None) for name in ("body", "orelse")):
            if isinstance(body, list) and (rest := _unreachable(body)):
                yield _whole_lines(lines, rest[0], rest[-1]), ""


def _taken(node: ast.If | ast.IfExp, known: Mapping[str, Any]) -> list[ast.stmt] | ast.expr | None:
    """The branch that is taken; None where that depends on more than what is known."""
    fields = [each.value for each in ast.walk(node.test) if _is_known(each, known)]  # type: ignore[attr-defined]
    names = [each for each in ast.walk(node.test) if isinstance(each, ast.Name) and each not in fields]
    if not fields or any(each.id not in _FUNCTIONS for each in names):
        return None
    context = type("Context", (), dict(known))
    answer = eval(compile(ast.Expression(node.test), "<condition>", "eval"), {_CONTEXT: context, **_FUNCTIONS})
    return node.body if answer else node.orelse


def _is_known(node: ast.AST, known: Mapping[str, Any]) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == _CONTEXT
        and node.attr in known
    )


def _is_movable(node: ast.If, lines: Sequence[str]) -> bool:
    """Whether its branches stand on lines that can be indented otherwise; an ``elif`` moves with its ``if``."""
    texts = [each for each in ast.walk(node) if isinstance(each, ast.Constant | ast.JoinedStr)]
    return (
        lines[node.lineno - 1].lstrip().startswith("if")
        and node.body[0].lineno > node.lineno
        and all(each.lineno == each.end_lineno for each in texts)
    )


def _statements(lines: Sequence[str], body: Sequence[ast.stmt], instead_of: ast.If) -> str:
    """Source of statements, indented like the one that they replace."""
    if not body:
        return ""
    first, last = body[0].lineno, body[-1].end_lineno or 0
    while lines[first - 2].lstrip().startswith("#"):
        first -= 1
    text = textwrap.dedent("".join(lines[first - 1 : last]))
    return textwrap.indent(text[2:] if text.startswith("elif ") else text, " " * instead_of.col_offset)


def _unreachable(body: Sequence[ast.stmt]) -> Sequence[ast.stmt]:
    """The statements behind a ``return`` or ``raise``."""
    ends = [place for place, each in enumerate(body) if isinstance(each, ast.Return | ast.Raise)]
    return body[ends[0] + 1 :] if ends else []


def _place(node: ast.expr | ast.stmt) -> tuple[int, int, int, int]:
    return node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0


def _whole_lines(
    lines: Sequence[str], first: ast.stmt | ast.expr, last: ast.stmt | ast.expr
) -> tuple[int, int, int, int]:
    end = last.end_lineno or 0
    return first.lineno, 0, end, len(lines[end - 1].encode())
