"""The columns of the data: what the spec says of them, and what their names and values show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mlestar.data.dates import is_day_first, read_dates
from mlestar.data.roles import comma_in_numbers, detect_role, is_identifier, looks_like_identifier_name
from mlestar.data.splits import time_values
from mlestar.data.task import Column, ColumnRole, Storage, Task
from mlestar.errors import quoted
from mlestar.spec import Scope, Source

__all__ = ["described", "joinable", "resolve_columns", "suggestions"]

_ONLY_NAMES = ("id", "group", "text", "excluded")  # roles of columns that say nothing of a row but which it is


def resolve_columns(
    scope: Scope, frame: pd.DataFrame, storage: Mapping[str, Storage], source: Source
) -> tuple[tuple[Column, ...], list[str]]:
    """Give every column its role: the spec's where it says one, else what the column's name and values show.

    Parameters
    ----------
    scope : Scope
    frame : DataFrame
        Training rows, typed.
    storage : mapping
        How each column is held.
    source : Source
        For errors that name the line of the spec.

    Returns
    -------
    columns : tuple of Column
    warnings : list of str
    """
    spec = scope.task
    given = _given_roles(scope)
    warnings = []
    if spec.id and not frame[spec.id].is_unique:
        warnings.append(
            f"the id {quoted(spec.id)} repeats; name it as task.group, not as task.id, if its rows belong together"
        )
    for name in spec.text or ():
        if storage[name] != "string":
            raise source.error("task.text", f"{quoted(name)} holds no text but a {storage[name]}; remove it here")
    columns: list[Column] = []
    for name, held in storage.items():
        values = frame[name]
        role, note = given.get(name) or detect_role(values, held)
        if name == spec.time and name not in given:
            time_values(values)  # refuses what cannot be ordered
            role, note = ("numeric" if held == "number" else "date"), None
        elif name not in given and is_identifier(values, held):
            taken = any(role == "id" for role, _ in given.values()) or any(column.role == "id" for column in columns)
            role, note = ("excluded" if taken else "id"), "named like an identifier, and different in every row"
        columns.append(described(values, held, role, note))
    return tuple(columns), warnings


def described(values: pd.Series, held: Storage, role: ColumnRole, note: str | None, table: str | None = None) -> Column:
    """A column with what its values count; the others are as in :class:`~mlestar.data.task.Column`."""
    day_first = role in ("date", "excluded") and is_day_first(values)
    return Column(
        name=str(values.name),
        storage=held,
        role=role,
        missing=int(values.isna().sum()) + (_unreadable(values, role, day_first) if held == "string" else 0),
        unique=int(values.nunique()),
        day_first=day_first,
        length=round(float(values.str.len().fillna(0).mean()), 1) if role == "text" else 0.0,
        note=note,
        table=table,
    )


def _unreadable(values: pd.Series, role: ColumnRole, day_first: bool) -> int:
    """Rows whose string, such as a blank, is none of the numbers or dates that the column is read as."""
    if role not in ("numeric", "date"):
        return 0
    different = values.drop_duplicates().dropna()
    read = pd.to_numeric(different, errors="coerce") if role == "numeric" else read_dates(different, day_first)
    return int(values.isin(different[read.isna()]).sum())


def joinable(scope: Scope, columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns, of which those that rows are joined by are kept for that, also where they are no features."""
    keys = {key for table in scope.data.auxiliary.values() for key in table.keys}
    return tuple(
        each.model_copy(update={"role": "key", "note": "joins rows with auxiliary tables"})
        if each.name in keys and (each.role in _ONLY_NAMES or looks_like_identifier_name(each.name))
        else each
        for each in columns
    )


def suggestions(task: Task, frame: pd.DataFrame) -> list[str]:
    """Columns that are not what they seem, or that suggest another split: random folds would judge them too kindly."""
    found = []
    for name in task.categorical:
        if comma := comma_in_numbers(frame[name]):
            example, meaning = comma
            remedy = "decimal points" if meaning == "decimal" else "numbers without them"
            found.append(f"{quoted(name)} holds {meaning} commas, as in {quoted(example)}; write {remedy}")
    storage = task.storage
    for name in task.numeric:
        if storage[name] == "number" and (infinite := int(np.isinf(frame[name]).sum())):
            found.append(
                f"{quoted(name)} is infinite in {infinite} rows, which count as missing; correct them if you can"
            )
    if task.time or task.group:
        return found
    for column in task.columns:
        name, repeats = column.name, task.rows / 5 < column.unique < task.rows
        if column.role in ("numeric", "categorical") and repeats and looks_like_identifier_name(name):
            found.append(
                f"{quoted(name)} looks like an identifier that repeats ({column.unique} values in {task.rows} rows); "
                f"set task.group: {_bare(name)} if its rows belong together, or forbid it as a feature"
            )
        if column.role == "date" and column.unique > 10 and not column.missing and _is_sorted(frame[name]):
            found.append(
                f"the rows are in the order of {quoted(name)}; set task.time: {_bare(name)} if later rows are to be "
                "predicted from earlier ones"
            )
    return found


def _given_roles(scope: Scope) -> dict[str, tuple[ColumnRole, str | None]]:
    """What the spec says; where it says two things of a column, the later here counts."""
    spec = scope.task
    given: dict[str, tuple[ColumnRole, str | None]] = {name: ("text", None) for name in spec.text or ()}
    given |= {name: ("excluded", "forbidden by the spec") for name in scope.constraints.forbidden_features}
    if spec.id is not None:
        given[spec.id] = ("id", None)
    if spec.group is not None:
        given[spec.group] = ("group", None)
    return given | {name: ("target", None) for name in spec.targets}


def _bare(name: str) -> str:
    """A name as a spec holds it, where that can be read."""
    return name if quoted(name) == f"'{name}'" else quoted(name)


def _is_sorted(column: pd.Series) -> bool:
    times = read_dates(column, is_day_first(column))
    return bool(times.notna().all() and times.is_monotonic_increasing)
