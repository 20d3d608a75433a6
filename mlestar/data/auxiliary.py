"""Auxiliary tables: reading them so that they can be joined with the rows of the training data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from mlestar.data.dates import is_day_first
from mlestar.data.roles import detect_role
from mlestar.data.sources import read_table, storage_of, typed
from mlestar.data.task import ColumnRole, Storage, Table
from mlestar.errors import DataError, listed, quoted
from mlestar.spec import Auxiliary, Scope

__all__ = ["AuxiliaryTable", "read_auxiliary"]

_STORAGES: dict[ColumnRole, Storage] = {"numeric": "number", "date": "date"}


@dataclass(frozen=True)
class AuxiliaryTable:
    """A table that was read.

    Attributes
    ----------
    table : Table
    frame : DataFrame
        The columns of the key, then those of ``table.storage``, typed; every row has a key.
    columns : tuple of str
        All columns of the file.
    unused : list of str
        What of it, or of the training rows, is left out, and why.
    """

    table: Table
    frame: pd.DataFrame
    columns: tuple[str, ...]
    unused: list[str]


def read_auxiliary(scope: Scope, train: pd.DataFrame, storage: Mapping[str, Storage]) -> Iterator[AuxiliaryTable]:
    """The auxiliary tables of a scope, in its order.

    Numbers and dates that are written as text are read as such. Columns that are forbidden, and targets, are left out;
    so is free text where a key has several rows: it cannot be summarised.

    Parameters
    ----------
    scope : Scope
    train : DataFrame
        The training data, typed.
    storage : mapping
        How its columns are held.

    Raises
    ------
    DataError
        When a table cannot be read, lacks a column of its key, or shares no key with the training data.
    """
    foreign = {*scope.constraints.forbidden_features, *scope.task.targets}
    for name, given in scope.data.auxiliary.items():
        keys = {each: storage[each] for each in given.keys}
        try:
            yield _read(name, given, keys, train, foreign)
        except DataError as error:
            raise DataError(f"auxiliary table {name}: {error}") from None


def _read(
    name: str, given: Auxiliary, keys: Mapping[str, Storage], train: pd.DataFrame, foreign: set[str]
) -> AuxiliaryTable:
    frame = read_table(given.uri, keys)
    if absent := [each for each in keys if each not in frame]:
        remedy = f"name another key; the columns are {listed(list(frame))}"
        raise DataError(f"{given.uri}: has no column {quoted(absent[0])}; {remedy}")
    columns = tuple(map(str, frame))
    frame = typed(frame, {**storage_of(frame), **keys})
    has_key = frame[list(keys)].notna().all(axis=1)
    unused = [f"{(~has_key).sum()} of its {len(frame)} rows, which have no key"] * (not has_key.all())
    frame = frame[has_key].reset_index(drop=True)
    if not (share := _share(train, frame, list(keys))):
        here, there = (quoted(next(iter(each[next(iter(keys))].dropna()), None)) for each in (frame, train))
        raise DataError(
            f"{given.uri}: no training row has a key of this table (such as {here}; they have {there}); "
            "write the keys alike"
        )
    if share < 1:
        unused.append(f"{1 - share:.1%} of the training rows have a key that it lacks")
    one_row = not frame.duplicated(list(keys)).any()
    kept: dict[str, Storage] = {}
    for column, held in storage_of(frame).items():
        if column in keys:
            continue
        role, _ = detect_role(frame[column], held)
        if column in foreign:
            unused.append(f"{quoted(column)} is the target, or forbidden")
        elif role == "text" and not one_row:
            unused.append(f"{quoted(column)} is free text, of which a key has several")
        else:
            is_swapped = role == "date" and is_day_first(frame[column])
            kept[column] = "day_first" if is_swapped else _STORAGES.get(role, "string")
    table = Table(name=name, key=tuple(keys), one_row=one_row, storage=kept, rows=len(frame))
    return AuxiliaryTable(table, typed(frame, {**keys, **kept}), columns, unused)


def _share(train: pd.DataFrame, frame: pd.DataFrame, keys: list[str]) -> float:
    """Of the training rows, those whose key the table has."""
    return float(train.set_index(keys).index.isin(frame.set_index(keys).index).mean())
