"""Which names of a piece of Python mean something at the level of its module, and which are local."""

from __future__ import annotations

import ast
from collections.abc import Iterator

__all__ = ["module_level_names"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def module_level_names(node: ast.AST) -> list[ast.Name]:
    """The name nodes that are looked up in the module (or among the builtins), by Python's scoping rules."""
    return list(_visit(node, [], frozenset()))


def _visit(node: ast.AST, functions: list[frozenset[str]], innermost_class: frozenset[str]) -> Iterator[ast.Name]:
    if isinstance(node, ast.Name):
        if node.id not in innermost_class and not any(node.id in names for names in functions):
            yield node
    elif isinstance(node, _Function):
        # Defaults, decorators and annotations belong to the scope around the function.
        outside = [*node.args.defaults, *filter(None, node.args.kw_defaults), *getattr(node, "decorator_list", [])]
        for each in outside:
            yield from _visit(each, functions, innermost_class)
        body = node.body if isinstance(node.body, list) else [node.body]
        inside = [*functions, _arguments(node) | _bound(body)]
        for each in body:
            yield from _visit(each, inside, frozenset())
    elif isinstance(node, ast.ClassDef):
        for each in [*node.bases, *node.keywords, *node.decorator_list]:
            yield from _visit(each, functions, innermost_class)
        for each in node.body:
            yield from _visit(each, functions, _bound(node.body))
    elif isinstance(node, _Comprehension):
        targets = frozenset(
            each.id for part in node.generators for each in ast.walk(part.target) if isinstance(each, ast.Name)
        )
        for each in ast.iter_child_nodes(node):
            yield from _visit(each, [*functions, targets], innermost_class)
    else:
        for each in ast.iter_child_nodes(node):
            yield from _visit(each, functions, innermost_class)


def _arguments(function: _Function) -> frozenset[str]:
    arguments = function.args
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return frozenset(each.arg for each in [*found, *filter(None, [arguments.vararg, arguments.kwarg])])


def _bound(body: list[ast.AST] | list[ast.stmt] | list[ast.expr]) -> frozenset[str]:
    """Names that the statements bind in their own scope."""
    found: set[str] = set()
    declared_global: set[str] = set()
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
            continue
        if isinstance(node, ast.Lambda | _Comprehension):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            found.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.Global):
            declared_global |= set(node.names)
        pending += ast.iter_child_nodes(node)
    return frozenset(found - declared_global)
