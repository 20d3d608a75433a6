"""Programs and blocks as highlighted HTML, and what changed between two of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import RegexLexer
from pygments.lexers import PythonLexer

__all__ = ["Line", "blocks_of", "changes", "highlighted"]

CELL = re.compile(r"^# %%(?: block: (?P<kind>\w+))?.*$", re.MULTILINE)


@dataclass(frozen=True)
class Line:
    """One line of a comparison: ``kind`` is same, added, removed, or gap (``html`` then says how much is left out)."""

    kind: str
    html: Markup


def highlighted(source: str, language: type[RegexLexer] = PythonLexer) -> Markup:
    """Source with the token classes of Pygments, which escapes it; every line's tags are closed at its end."""
    lexer = language(stripnl=False, ensurenl=False)
    return Markup(highlight(source, lexer, HtmlFormatter(nowrap=True)).rstrip("\n"))


def blocks_of(program: str) -> dict[str, str]:
    """The blocks of a percent-cell program by kind, without their cell markers."""
    cells = list(CELL.finditer(program))
    ends = [cell.start() for cell in cells[1:]] + [len(program)]
    return {
        cell["kind"]: program[cell.end() : end].strip("\n")
        for cell, end in zip(cells, ends, strict=True)
        if cell["kind"]
    }


def changes(before: str, after: str, *, context: int = 3) -> list[Line]:
    """The lines that differ, with ``context`` equal lines around them. Empty when nothing differs."""
    old, new = (_lines(source) for source in (before, after))
    old_html, new_html = (highlighted("\n".join(lines)).split("\n") for lines in (old, new))
    lines: list[Line] = []
    reached = 0
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(context):
        if group[0][1] > reached:
            lines.append(_gap(group[0][1] - reached))
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                lines += [Line("same", Markup(html)) for html in old_html[old_start:old_end]]
                continue
            lines += [Line("removed", Markup(html)) for html in old_html[old_start:old_end]]
            lines += [Line("added", Markup(html)) for html in new_html[new_start:new_end]]
        reached = group[-1][2]
    if lines and reached < len(old):
        lines.append(_gap(len(old) - reached))
    return lines


def _lines(source: str) -> list[str]:
    """Lines as Pygments counts them, without empty ones at the end."""
    return re.sub(r"\r\n?", "\n", source).rstrip("\n").split("\n") if source.strip("\r\n") else []


def _gap(count: int) -> Line:
    return Line("gap", Markup("{} equal line{}").format(count, "" if count == 1 else "s"))
