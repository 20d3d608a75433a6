"""Python source as data: cut a function out with what it needs, rename, normalise.

Blocks travel as source. Everything here works on the syntax tree and edits the text only where it must, so that the
comments and the layout of the author stay.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Mapping

from mlestar.errors import SolutionError
from mlestar.solution.scopes import module_level_names

__all__ = ["Import", "Module", "edit", "meaning", "normalised", "rename", "requirements"]

_Constant = ast.Assign | ast.AnnAssign
Definition = ast.FunctionDef | ast.ClassDef | _Constant


class Import:
    """One imported name: ``from module import name as binding``, or ``import module as binding``.

    Parameters
    ----------
    module : str
    name : str or None
        None for a plain ``import``.
    alias : str or None
    """

    def __init__(self, module: str, name: str | None = None, alias: str | None = None) -> None:
        self.module, self.name, self.alias = module, name, alias

    @property
    def binding(self) -> str:
        """The name that the statement binds."""
        return self.alias or self.name or self.module.split(".")[0]

    @property
    def origin(self) -> str:
        """What the binding means, whatever it is called."""
        if self.name:
            return f"{self.module}.{self.name}"
        return self.module if self.alias else self.module.split(".")[0]

    @property
    def statement(self) -> str:
        alias = f" as {self.alias}" if self.alias else ""
        return f"from {self.module} import {self.name}{alias}" if self.name else f"import {self.module}{alias}"

    def renamed(self, binding: str) -> Import:
        """The same import under another name."""
        return Import(self.module, self.name, binding)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Import) and self.statement == other.statement

    def __hash__(self) -> int:
        return hash(self.statement)


class Module:
    """A piece of Python source: its imports, and its top-level definitions by name.

    Raises
    ------
    SolutionError
        When the source does not parse, or does more at its top level than to import and to define.
    """

    def __init__(self, source: str, name: str = "block") -> None:
        self.source = source
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError) as error:
            raise SolutionError(f"{name}: not valid Python ({error}); mend the block's source") from None
        self.imports: list[Import] = []
        self.definitions: dict[str, Definition] = {}
        for node in tree.body:
            if isinstance(node, ast.Import):
                self.imports += [Import(alias.name, None, alias.asname) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                if node.module is None or node.level or any(alias.name == "*" for alias in node.names):
                    raise SolutionError(
                        f"{name}: line {node.lineno}: import names from an installed module, one by one"
                    )
                self.imports += [Import(node.module, alias.name, alias.asname) for alias in node.names]
            elif isinstance(node, Definition) and (bound := _bound(node)):
                self.definitions[bound] = node
            elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
                raise SolutionError(
                    f"{name}: line {node.lineno}: a block only imports and defines; move this into the function"
                )

    def text(self, name: str) -> str:
        """The source of one definition, decorators and the comment lines right above it included."""
        node = self.definitions[name]
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        lines = self.source.splitlines()
        while first > 1 and lines[first - 2].startswith("#") and not lines[first - 2].startswith("# %%"):
            first -= 1
        return "\n".join(lines[first - 1 : node.end_lineno])

    def needs(self, name: str) -> list[str]:
        """``name`` and all definitions that it uses, in the order of the text."""
        found, pending = set(), [name]
        while pending:
            current = pending.pop()
            if current in found:
                continue
            found.add(current)
            pending += [used for used in _names(self.definitions[current]) if used in self.definitions]
        return sorted(found, key=lambda each: self.definitions[each].lineno)

    def imports_of(self, names: Iterable[str]) -> list[Import]:
        """The imports that the named definitions use, sorted."""
        used, paths = set(), set()
        for name in names:
            used |= set(_names(self.definitions[name]))
            paths |= set(_attribute_paths(self.definitions[name]))

        def is_used(each: Import) -> bool:
            if each.name or each.alias or "." not in each.module:
                return each.binding in used
            return any(path == each.module or path.startswith(f"{each.module}.") for path in paths)

        return sorted({each for each in self.imports if is_used(each)}, key=lambda each: each.statement)

    def cut_out(self, name: str) -> str:
        """Source of its own of the definition ``name``: the imports and the helpers that it needs, and itself last."""
        if name not in self.definitions:
            raise SolutionError(f"no function {name!r} is defined; a block defines one function named after its kind")
        needed = [each for each in self.needs(name) if each != name]
        imports = [each.statement for each in self.imports_of([*needed, name])]
        parts = [*(["\n".join(imports)] if imports else []), self.together([*needed, name])]
        return "\n\n\n".join(parts) + "\n"

    def together(self, names: Iterable[str]) -> str:
        """The definitions one after the other, spaced as people space them: constants stand together."""
        text, before = "", None
        for name in names:
            node = self.definitions[name]
            both_constants = isinstance(before, _Constant) and isinstance(node, _Constant)
            text += ("" if before is None else "\n" if both_constants else "\n\n\n") + self.text(name)
            before = node
        return text


def edit(source: str, replacements: Mapping[tuple[int, int, int, int], str]) -> str:
    """Replace stretches of the text, each given as (line, column, end line, end column) of the syntax tree."""
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    for (line, column, end_line, end_column), text in sorted(replacements.items(), reverse=True):
        tail = lines[end_line - 1][end_column:]
        lines[line - 1 : end_line] = [lines[line - 1][:column] + text.encode() + tail]
    return b"".join(lines).decode()


def rename(source: str, names: Mapping[str, str]) -> str:
    """Rename top-level definitions and what refers to them; local variables of the same name stay."""
    replacements: dict[tuple[int, int, int, int], str] = {}
    tree = ast.parse(source)
    for used in module_level_names(tree):
        if used.id in names:
            replacements[used.lineno, used.col_offset, used.lineno, used.end_col_offset or 0] = names[used.id]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in names:
            start = node.col_offset + len("class " if isinstance(node, ast.ClassDef) else "def ")
            replacements[node.lineno, start, node.lineno, start + len(node.name.encode())] = names[node.name]
    return edit(source, replacements)


def normalised(module: Module, name: str) -> str:
    """What the definition ``name`` means, as text: layout, comments, docstrings and names of helpers do not count."""
    order: dict[str, str] = {each.binding: each.origin for each in module.imports}
    pending = [name]
    dumps: list[str] = []
    order[name] = "definition_0"
    while pending:
        current = pending.pop(0)
        node = _without_docstrings(ast.parse(ast.unparse(module.definitions[current])).body[0])
        for used in _names(node):
            if used in module.definitions and used not in order:
                order[used] = f"definition_{len(dumps) + len(pending) + 1}"
                pending.append(used)
        for each in module_level_names(node):
            each.id = order.get(each.id, each.id)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.name = order[current]
        dumps.append(ast.dump(node))
    return "\n".join(dumps)


def meaning(program: str) -> str:
    """What a whole program means, as text: layout, comments and docstrings do not count."""
    return ast.dump(_without_docstrings(ast.parse(program)))


def requirements(program: str) -> list[str]:
    """The distributions that a program's inline metadata (PEP 723) names, in their versions."""
    block = re.search(r"^# /// script\n((?:#(?: .*)?\n)*?)# ///$", program, re.MULTILINE)
    lines = block[1].splitlines() if block else []
    return list(tomllib.loads("\n".join(line[2:] for line in lines)).get("dependencies", []))


def _without_docstrings(node: ast.AST) -> ast.AST:
    for each in ast.walk(node):
        if (
            isinstance(each, ast.FunctionDef | ast.ClassDef | ast.Module)
            and ast.get_docstring(each, clean=False) is not None
        ):
            each.body = each.body[1:] or [ast.Pass()]
    return node


def _bound(node: Definition) -> str | None:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else None


def _names(node: ast.AST) -> list[str]:
    """Names of the module that are read, in the order of the text."""
    found = [each for each in module_level_names(node) if isinstance(each.ctx, ast.Load)]
    found.sort(key=lambda each: (each.lineno, each.col_offset))
    return list(dict.fromkeys(each.id for each in found))


def _attribute_paths(node: ast.AST) -> list[str]:
    """Dotted paths such as ``scipy.sparse.csr_matrix``."""
    return [ast.unparse(each) for each in ast.walk(node) if isinstance(each, ast.Attribute)]
