"""Blocks: named pieces of Python source that make a solution."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mlestar.digests import digest
from mlestar.errors import SolutionError
from mlestar.solution.layout import Call, bracketed, literal
from mlestar.solution.source import Module, edit, normalised, rename
from mlestar.solution.specialisation import specialised, without_unused_parameters

__all__ = ["KINDS", "MEMBER_KINDS", "REQUIRED_KINDS", "Block", "chain"]

MEMBER_KINDS = ("join", "clean", "features", "encode", "target", "model")
KINDS = (*MEMBER_KINDS, "combine", "postprocess")
REQUIRED_KINDS = ("clean", "encode", "model")


@dataclass(frozen=True, eq=False)
class Block:
    """Source that defines one function, ``def <kind>(ctx, *, parameter=value, ...)``.

    Two blocks are equal when they mean the same: layout, comments, docstrings and the names of helpers do not count.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`.
    source : str
        Imports, helpers and the function, which may stand in any order and among other definitions: only what the
        function needs is kept.
    name : str
        What people call it, such as ``"lightgbm"``.

    Raises
    ------
    SolutionError
        When the source breaks the contract.
    """

    kind: str
    source: str
    name: str = field(default="custom")

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SolutionError(f"{self.kind!r} is no block kind; the kinds are {', '.join(KINDS)}")
        source = Module(self.source, f"block {self.kind}").cut_out(self.kind)
        object.__setattr__(self, "source", source)
        function = self.module.definitions[self.kind]
        if not isinstance(function, ast.FunctionDef) or [each.arg for each in _positional(function)] != ["ctx"]:
            raise SolutionError(f"block {self.kind}: define `def {self.kind}(ctx, *, parameter=value)`")
        banned = [each.module for each in self.module.imports if each.module.split(".")[0] == "mlestar"]
        if banned:
            raise SolutionError(f"block {self.kind}: imports {banned[0]}; a program runs without mlestar")
        _ = self.parameters

    @cached_property
    def module(self) -> Module:
        """The parsed source."""
        return Module(self.source, f"block {self.kind}")

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The function's parameters and their values (its defaults)."""
        values = {}
        for name, node in _defaults(self._function).items():
            try:
                values[name] = ast.literal_eval(node)
            except (ValueError, TypeError):
                raise SolutionError(f"block {self.kind}: parameter {name!r} needs a literal default") from None
        return values

    def with_parameters(self, parameters: Mapping[str, Any]) -> Block:
        """The same block with other values for some of its parameters."""
        nodes = _defaults(self._function)
        unknown = sorted(set(parameters) - set(nodes))
        if unknown:
            raise SolutionError(f"block {self.kind} ({self.name}): no parameter {unknown[0]!r}; it has {sorted(nodes)}")
        replacements = {}
        for name, value in parameters.items():
            node = nodes[name]
            place = (node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)
            replacements[place] = literal(value.item() if hasattr(value, "item") else value)
        return Block(self.kind, edit(self.source, replacements), self.name)

    def specialised(self, known: Mapping[str, Any]) -> Block:
        """The same block for tasks of which this is known of ``ctx``, without what it does for others.

        A parameter that then changes nothing is none any more.
        """
        source = specialised(self.source, known)
        if source != self.source:
            source = without_unused_parameters(source, self.kind)
        return Block(self.kind, source, self.name) if source != self.source else self

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the block means."""
        return digest([self.kind, normalised(self.module, self.kind)])

    @cached_property
    def shape(self) -> str:
        """SHA-256 of what the block means apart from the values of its parameters."""
        return self.with_parameters(dict.fromkeys(self.parameters)).digest if self.parameters else self.digest

    @cached_property
    def needs_out_of_fold(self) -> bool:
        """Whether the object that it returns is fitted on out-of-fold predictions."""
        return any(
            isinstance(node, ast.Assign | ast.AnnAssign)
            and isinstance(node.value, ast.Constant)
            and node.value.value is True
            and "needs_out_of_fold" in ast.unparse(node)
            for node in ast.walk(ast.parse(self.source))
        )

    @cached_property
    def asks_for(self) -> frozenset[str]:
        """The fields of ``ctx`` that it reads."""
        return frozenset(
            node.attr
            for node in ast.walk(ast.parse(self.source))
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ctx"
        )

    @property
    def _function(self) -> ast.FunctionDef:
        function = self.module.definitions[self.kind]
        assert isinstance(function, ast.FunctionDef)
        return function

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Block) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


def chain(blocks: Sequence[Block]) -> Block:
    """One block that applies several of the same kind one after the other.

    Each becomes a function of its own, ``<kind>_<name>``; the block calls them in turn with their parameters, which it
    takes as its own (a name that two of them share is prefixed).
    """
    if len(blocks) == 1:
        return blocks[0]
    kind = blocks[0].kind
    parts, signature, taken = ["from sklearn.pipeline import make_pipeline"], ["ctx"], set()
    calls: list[Call] = []
    helpers: dict[str, str] = {}
    for block in blocks:
        function = f"{kind}_{block.name}"
        own = {name: block.module.text(name) for name in block.module.definitions if name != kind}
        other = {
            name: f"{name}_of_{block.name}" for name, text in own.items() if helpers.setdefault(name, text) != text
        }
        parts.append(rename(block.source, {kind: function, **other}))
        arguments = ["ctx"]
        for name, value in block.parameters.items():
            parameter = name if name not in taken else f"{block.name}_{name}"
            taken.add(parameter)
            signature += (["*"] if len(signature) == 1 else []) + [f"{parameter}={literal(value)}"]
            arguments.append(f"{name}={parameter}")
        calls.append(Call(f"{function}(", arguments))
    parts.append(
        f"def {bracketed(Call(f'{kind}(', signature), before=len('def '), after=1)}:\n"
        f'    """{", then ".join(block.name for block in blocks).capitalize()}."""\n'
        f"    return {bracketed(Call('make_pipeline(', calls), 4, before=len('return '))}\n"
    )
    return Block(kind, "\n\n\n".join(parts), "+".join(block.name for block in blocks))


def _positional(function: ast.FunctionDef) -> list[ast.arg]:
    arguments = [*function.args.posonlyargs, *function.args.args]
    return arguments[: len(arguments) - len(function.args.defaults)]


def _defaults(function: ast.FunctionDef) -> dict[str, ast.expr]:
    """Parameter -> node of its default; a parameter without one breaks the contract."""
    arguments = function.args
    late = arguments.args[len(arguments.args) - len(arguments.defaults) :]
    pairs = [
        *zip(late, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    for argument, node in pairs:
        if node is None:
            raise SolutionError(f"block {function.name}: parameter {argument.arg!r} needs a default value")
    if arguments.vararg or arguments.kwarg:
        raise SolutionError(f"block {function.name}: name the parameters, without * or ** arguments")
    return {argument.arg: node for argument, node in pairs if node is not None}
