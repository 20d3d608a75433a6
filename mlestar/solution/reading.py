"""Programs as solutions: what :mod:`mlestar.solution.rendering` wrote, read back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlestar.errors import SolutionError
from mlestar.solution.blocks import MEMBER_KINDS, Block
from mlestar.solution.solution import Solution
from mlestar.solution.source import Module, rename

__all__ = ["read_program"]

_CELL = re.compile(r"^# %% block: (?P<kind>[a-z]+)(?:_\d+)? \((?P<name>.*)\)$")


def read_program(text: str) -> Solution:
    """The solution that a program was rendered from.

    Raises
    ------
    SolutionError
        When the text is no program of :func:`render`.
    """
    module = Module(_definitions_only(text), "program")
    names = {
        line.split(": ", 1)[1].split(" ")[0]: match["name"]
        for line in text.splitlines()
        if (match := _CELL.match(line))
    }
    if not names:
        raise SolutionError("no '# %% block:' cells; is this a program that mlestar wrote?")

    def block(function: str, parameters: Mapping[str, Any]) -> Block:
        kind = re.sub(r"_\d+$", "", function)
        source = module.cut_out(function)
        found = Block(kind, source if kind == function else rename(source, {function: kind}), names[function])
        return found.with_parameters(parameters) if parameters else found

    members = []
    for name, node in module.definitions.items():
        if name == "pipeline" or re.fullmatch(r"member_\d+", name):
            calls = list(_called_blocks(node, names))
            found = {re.sub(r"_\d+$", "", function): block(function, parameters) for function, parameters in calls}
            members.append({kind: found[kind] for kind in MEMBER_KINDS if kind in found})
    single = {kind: block(kind, {}) if kind in names else None for kind in ("combine", "postprocess")}
    fits = module.definitions.get("FITS")
    count = ast.literal_eval(fits.value) if isinstance(fits, ast.Assign) else 1
    return Solution(tuple(members), single["combine"], single["postprocess"], count)


def _definitions_only(text: str) -> str:
    """The script without the statements that run it."""
    tree = ast.parse(text)
    lines = text.splitlines()
    for node in tree.body:
        if isinstance(node, ast.If):
            lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or 0) - node.lineno + 1)
    return "\n".join(lines)


def _called_blocks(node: ast.AST, names: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id in names:
            yield each.func.id, {str(given.arg): ast.literal_eval(given.value) for given in each.keywords}
