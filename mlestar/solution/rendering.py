"""Solutions as programs."""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mlestar.data.task import Table, Task
from mlestar.solution.blocks import KINDS, MEMBER_KINDS, Block
from mlestar.solution.layout import LINE_LENGTH, Call, bracketed, literal, one_line, tuple_literal
from mlestar.solution.solution import Solution
from mlestar.solution.source import Import, rename
from mlestar.solution.templates import template

__all__ = ["FIT_THREADS", "render"]

FIT_THREADS = 1
"""Of every fit, whatever the machine: its result may depend on them."""

_PROGRAM_IMPORTS = (
    Import("argparse"),
    Import("importlib.util"),
    Import("sys"),
    Import("zipfile"),
    Import("dataclasses", "dataclass"),
    Import("pathlib", "Path"),
    Import("numpy", None, "np"),
    Import("pandas", None, "pd"),
    Import("skops.io"),
    Import("sklearn.base", "BaseEstimator"),
    Import("sklearn.pipeline", "Pipeline"),
)
_SPLITTERS = {
    "time": "TimeSeriesSplit",
    "group": "GroupKFold",
    "stratified_group": "StratifiedGroupKFold",
    "stratified": "StratifiedKFold",
    "kfold": "KFold",
}
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "xgboost": "xgboost-cpu"}  # where they are not called like their packages
_TRUSTED = ("collections", "functools")  # modules that fitted models of any library may hold something of
_HELD_BY_SKLEARN = ("scipy",)  # as splines do, whether or not the program names it
_LONGEST_NOTE, _LONGEST_OPTIONS = 115, 60
_ROLES = {"numeric": "numeric", "categorical": "categorical", "text": "text", "dates": "date", "keys": "key"}
_STEP_KINDS = tuple(kind for kind in MEMBER_KINDS if kind != "target")  # a target block wraps the model
_PROGRAM_NAMES = (
    *("COLUMNS", "TARGETS", "CLASSES", "CONTEXT", "MEMBERS", "FITS", "BadInput", "Context", "Combination", "Solution"),
    *("TABLES", "JOINED", "STORAGES", "read_tables", "use_tables", "named", "pipeline", "class_numbers", "outputs"),
    *("one_fit_per_core", "out_of_fold", "read_table", "fit", "predict", "save", "load"),
    *("check_place", "main"),
)


def render(
    solution: Solution,
    task: Task,
    *,
    notes: Sequence[str] = (),
    member_notes: Sequence[str] = (),
) -> str:
    """One self-contained script in percent-cell form: fits and predicts without mlestar.

    Parameters
    ----------
    solution : Solution
    task : Task
    notes : sequence of str
        Paragraphs for its head, such as how it was chosen.
    member_notes : sequence of str
        A paragraph for each member of an ensemble.
    """
    layout = _Layout(solution, task, member_notes)
    features = set(task.features)
    columns = [column for column in task.columns if column.name in features]
    tables = task.tables if solution.needs_tables else ()
    text = template("program.py.j2").render(
        name=task.name,
        target_text=" and ".join(f"`{one_line(target)}`" for target in task.targets),
        type_text="regression" if not task.is_classification else f"{task.type} classification",
        metric=task.metric,
        python=".".join(map(str, sys.version_info[:2])),
        requirements=[_requirement(each) for each in [*layout.packages, "skops"]],
        trusted=tuple_literal(
            (*_TRUSTED, *sorted({*layout.packages, *_HELD_BY_SKLEARN}), "solution"), indent=4, before="known = "
        ),
        imports=layout.imports,
        columns=columns,
        storages={column.storage for column in columns} | {held for each in tables for held in each.storage.values()},
        joins=solution.needs_tables,
        tables=[{"name": each.name, "value": _table(each)} for each in tables],
        table_options=_table_options(tables),
        joined={column.name: column.role for column in task.columns if column.table and tables},
        targets=tuple(task.targets),
        classes=tuple_literal(tuple(task.classes), before="CLASSES = "),
        classification=task.is_classification,
        binary=task.type == "binary",
        multioutput=len(task.targets) > 1,
        width=len(task.classes) or len(task.targets),
        as_text=_as_text(task),
        time=task.time,
        time_has_day_first=task.time in task.day_first,
        time_is_text=any(column.name == task.time and column.storage == "string" for column in task.columns),
        group=task.group if solution.needs_out_of_fold else None,
        id=task.id,
        id_is_read=task.id in features and task.storage[task.id] != "string",
        splitter=task.splitter,
        context=_context(layout, solution, task),
        roles=_ROLES.keys() & layout.fields,
        notes=[textwrap.wrap(one_line(note), _LONGEST_NOTE) for note in notes],
        cells=layout.cells,
        members=layout.members,
        ensemble=len(solution.members) > 1 or solution.fits > 1,
        fits=solution.fits,
        second_level=solution.has_second_level,
        out_of_fold=solution.needs_out_of_fold,
        combine=solution.combine and "combine",
        postprocess=solution.postprocess and "postprocess",
        postprocess_out_of_fold=bool(solution.postprocess and solution.postprocess.needs_out_of_fold),
    )
    return re.sub(r"\n{4,}", "\n\n\n", text.strip("\n")) + "\n"


class _Layout:
    """Which function of the script each block becomes.

    Blocks that differ in the values of parameters only are one function, which a member calls with its own values;
    different ones of a kind are numbered.
    """

    def __init__(self, solution: Solution, task: Task, member_notes: Sequence[str] = ()) -> None:
        self.cells: list[dict[str, str]] = []
        functions = _functions(solution)
        members = [f"member_{number}" for number in range(1, len(solution.members) + 1)]
        self._definitions = dict.fromkeys((*_PROGRAM_NAMES, *KINDS, *functions, *members), "")
        self._bindings = {each.binding: each for each in _program_imports(solution, task)}
        for function, block in functions.items():
            self.cells.append({"function": function, "name": block.name, "text": self._place(block, function)})
        names = {(block.kind, block.shape): function for function, block in functions.items()}

        single = len(solution.members) == 1 and solution.fits == 1
        context = "CONTEXT" if solution.fits == 1 else "ctx"

        def call(block: Block) -> Call:
            function = names[block.kind, block.shape]
            rendered = functions[function].parameters
            own = {name: value for name, value in block.parameters.items() if value != rendered[name]}
            return Call(f"{function}(", [context, *(f"{name}={literal(value)}" for name, value in own.items())])

        self.members = [
            {
                "function": "pipeline" if single else members[number - 1],
                "title": _member_title(member, number, single),
                "notes": textwrap.wrap(one_line(member_notes[number - 1]), _LONGEST_NOTE) if member_notes else [],
                "pipeline": _pipeline({kind: call(block) for kind, block in member.items()}),
            }
            for number, member in enumerate(solution.members, 1)
        ]
        self.fields = {
            node.attr
            for cell in self.cells
            for node in ast.walk(ast.parse(cell["text"]))
            if isinstance(node, ast.Attribute)
        }
        self.imports = _merged(self._bindings.values())
        roots = {each.module.split(".")[0] for each in self._bindings.values()} - sys.stdlib_module_names - {"skops"}
        self.packages = sorted(roots)

    def _place(self, block: Block, function: str) -> str:
        """The block's text for its cell, renamed where the script has the name already for something else."""
        names = {block.kind: function} if function != block.kind else {}
        texts = {name: block.module.text(name) for name in block.module.needs(block.kind)}
        for name, text in texts.items():
            if name != block.kind and (self._definitions.get(name, text) != text or name in self._bindings):
                names[name] = self._free(name)
        for each in block.module.imports_of(texts):
            if self._bindings.setdefault(each.binding, each) != each or each.binding in self._definitions:
                names[each.binding] = self._free(each.binding)
                self._bindings[names[each.binding]] = each.renamed(names[each.binding])
        body = block.module.together(
            name for name, text in texts.items() if name == block.kind or self._definitions.get(name) != text
        )
        self._definitions |= {names.get(name, name): text for name, text in texts.items() if name != block.kind}
        return rename(body, names) if names else body

    def _free(self, name: str) -> str:
        number = 2
        while f"{name}_{number}" in self._definitions or f"{name}_{number}" in self._bindings:
            number += 1
        return f"{name}_{number}"


def _context(layout: _Layout, solution: Solution, task: Task) -> list[dict[str, str]]:
    """The fields of ``ctx`` that the program uses; seed and threads always, which a caller may set."""
    used = {"seed", "threads"} | ({"folds"} if solution.needs_out_of_fold else set())
    used |= {"gap"} if solution.needs_out_of_fold and task.splitter == "time" else set()
    used |= {"time"} if task.time else set()
    used |= {"group"} if task.group and solution.needs_out_of_fold else set()
    values = {
        "task": ("str", literal(task.type)),
        "metric": ("str", literal(task.metric)),
        "targets": ("tuple", "TARGETS"),
        "classes": ("tuple", "CLASSES"),
        **{name: ("tuple", f'named("{role}")') for name, role in _ROLES.items()},
        "day_first": ("tuple", tuple_literal(task.day_first, before="day_first=", indent=4)),
        "tables": ("dict", "{}"),  # until they are read
        "lookups": ("tuple", "tuple(name for name, (_, one_row, _) in TABLES.items() if one_row)"),
        "time": ("str" if task.time else "None", literal(task.time)),
        "group": ("str" if task.group else "None", literal(task.group)),
        "splitter": ("str", literal(task.splitter)),
        "folds": ("int", str(task.folds)),
        "gap": ("int", str(task.gap)),
        "seed": ("int", str(task.seed)),
        "threads": ("int", str(FIT_THREADS)),
    }
    found = used | layout.fields
    return [{"name": name, "type": kind, "value": value} for name, (kind, value) in values.items() if name in found]


def _as_text(task: Task) -> str:
    """What is read as it is written though it is no feature: ids, and classes that look like numbers or booleans."""
    classes = task.targets if any(isinstance(label, str) for label in task.classes) else ()
    names = [*([task.id] if task.id else []), *classes]
    return f"{{{', '.join(f'{literal(name)}: str' for name in names)}}}" if names else ""


def _table_options(tables: Sequence[Table]) -> str:
    """What follows the data on the command line of a fit."""
    if len(found := "".join(f" --table {each.name}={each.name.upper()}.csv" for each in tables)) > _LONGEST_OPTIONS:
        return " --table NAME=FILE ..."
    return found


def _table(table: Table) -> str:
    """What the program knows of an auxiliary table."""
    storage = Call("{", [f"{literal(name)}: {literal(held)}" for name, held in table.storage.items()], "}")
    elements: list[str | Call] = [literal(table.key), literal(table.one_row), storage]
    return bracketed(Call("(", elements), 4, before=len(f"{literal(table.name)}: "), after=1)


def _functions(solution: Solution) -> dict[str, Block]:
    """The functions of the program: the first block of each shape, by kind in the order of application."""
    found: dict[str, Block] = {}
    for kind in MEMBER_KINDS:
        shapes: dict[str, Block] = {}
        for member in solution.members:
            if kind in member:
                shapes.setdefault(member[kind].shape, member[kind])
        found |= {kind if len(shapes) == 1 else f"{kind}_{n}": block for n, block in enumerate(shapes.values(), 1)}
    return found | {block.kind: block for block in (solution.combine, solution.postprocess) if block}


def _pipeline(calls: Mapping[str, Call]) -> str:
    """The expression that makes a member: a step per block, a line per step."""
    steps = {kind: calls[kind] for kind in _STEP_KINDS if kind in calls}
    if "target" in calls:
        target = Call(f"transformer={calls['target'].opening}", calls["target"].elements)
        steps["model"] = Call("TransformedTargetRegressor(", [calls["model"], target, "check_inverse=False"])
    lines = [bracketed(Call("(", [literal(kind), step]), 12, after=1) for kind, step in steps.items()]
    return "Pipeline(\n        [\n" + "".join(f"            {line},\n" for line in lines) + "        ]\n    )"


def _requirement(package: str) -> str:
    """The distribution of a package, in the version that is installed."""
    distribution = _DISTRIBUTIONS.get(package, package)
    try:
        return f"{distribution}=={version(distribution)}"
    except PackageNotFoundError:  # called otherwise than its package, or not installed
        return distribution


def _program_imports(solution: Solution, task: Task) -> list[Import]:
    """What the program needs beside its blocks."""
    found = list(_PROGRAM_IMPORTS)
    if solution.fits > 1:
        found += [Import("dataclasses", "replace"), Import("itertools", "product")]
    if solution.needs_tables:
        found.append(Import("dataclasses", "replace"))
    if len(solution.members) > 1 or solution.fits > 1 or solution.needs_out_of_fold:
        found += [Import("os"), Import("concurrent.futures", "ThreadPoolExecutor")]
        found += [Import("contextlib", "contextmanager"), Import("functools", "partial")]
        found.append(Import("threadpoolctl", "ThreadpoolController"))
    if any("target" in member for member in solution.members):
        found.append(Import("sklearn.compose", "TransformedTargetRegressor"))
    if solution.needs_out_of_fold:
        found.append(Import("sklearn.model_selection", _SPLITTERS[task.splitter]))
    return found


def _merged(imports: Iterable[Import]) -> str:
    """Import statements as people write them: the standard library first, names of a module together, sorted."""
    plain = sorted({each.statement for each in imports if not each.name})
    names: dict[str, set[str]] = {}
    for each in imports:
        if each.name:
            names.setdefault(each.module, set()).add(each.statement.split(" import ")[1])
    statements = plain + [each for module, found in sorted(names.items()) for each in _from_imports(module, found)]

    def is_standard(statement: str) -> bool:
        return statement.split()[1].split(".", maxsplit=1)[0] in sys.stdlib_module_names

    groups = [[each for each in statements if is_standard(each) is standard] for standard in (True, False)]
    return "\n\n".join("\n".join(group) for group in groups if group)


def _from_imports(module: str, names: set[str]) -> list[str]:
    """One statement for all names of a module, and one for each that is given another name."""
    start = f"from {module} import "
    renamed = sorted(name for name in names if " as " in name)
    kept = sorted(names - set(renamed))
    line = start + ", ".join(kept)
    if len(line) > LINE_LENGTH:
        line = bracketed(Call(f"{start}(", kept))
    return [*([line] if kept else []), *(start + name for name in renamed)]


def _member_title(member: Any, number: int, single: bool) -> str:
    chain = ", ".join(member[kind].name for kind in MEMBER_KINDS if kind in member)
    return f"{chain.capitalize()}." if single else f"Member {number}: {chain}."
