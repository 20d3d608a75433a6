"""Auxiliary tables in scope: what they add to the rows, and what of them nothing can use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from mlestar.data.auxiliary import read_auxiliary
from mlestar.data.columns import described
from mlestar.data.infer import Inference
from mlestar.data.roles import detect_role
from mlestar.data.sources import storage_of, typed
from mlestar.data.tables import write_arrow
from mlestar.data.task import Column, Task
from mlestar.errors import DataError, quoted
from mlestar.recipes.join_tables import JoinedTables
from mlestar.spec import Scope
from mlestar.stages.scoped import table_file

__all__ = ["with_tables"]

_JOIN: Any = JoinedTables  # of a recipe, and so without types


def with_tables(
    scope: Scope, task: Task, frame: pd.DataFrame, train_dir: Path
) -> tuple[Task, pd.DataFrame, list[Inference], list[str]]:
    """Read the auxiliary tables, and write them beside the training rows for the programs that join them.

    Parameters
    ----------
    scope : Scope
    task : Task
        As it is without these tables.
    frame : DataFrame
        The rows, typed.
    train_dir : Path

    Returns
    -------
    task : Task
        With the tables, and the columns that come of them.
    frame : DataFrame
        The rows with these columns.
    inferences : list of Inference
    warnings : list of str
        What of the tables is left out.

    Raises
    ------
    DataError
    """
    found = list(read_auxiliary(scope, frame, task.storage))
    if not found:
        return task, frame, [], []
    known = {*task.storage, *(name for each in found for name in each.columns)}
    if absent := [name for name in scope.constraints.forbidden_features if name not in known]:
        raise DataError(f"no table has the column {quoted(absent[0])}, which constraints.forbidden_features names")
    for each in found:
        write_arrow(each.frame, table_file(train_dir, each.table.name))
    tables = {each.table.name: each.frame.set_index(list(each.table.key)) for each in found}
    lookups = [each.table.name for each in found if each.table.one_row]
    columns: list[Column] = []
    joined = frame
    for name, table in tables.items():
        before = joined
        try:
            joined = _JOIN({name: table}, lookups).fit(before).transform(before)
        except ValueError as error:  # a name that is there already
            raise DataError(f"auxiliary table {name}: {error}; give the table another name") from None
        added = joined[joined.columns.difference(before.columns, sort=False)]
        storage = storage_of(added)
        joined = before.join(typed(added, storage))
        columns += [
            described(joined[column], held, *detect_role(joined[column], held), name)
            for column, held in storage.items()
        ]
    inferences = [
        Inference(
            f"data.auxiliary.{each.table.name}",
            "one row per key" if each.table.one_row else "several rows per key, summarised",
            f"adds {sum(column.table == each.table.name for column in columns)} columns",
        )
        for each in found
    ]
    warnings = [f"auxiliary table {each.table.name}: {reason}" for each in found for reason in each.unused]
    own = {"columns": (*task.columns, *columns), "tables": tuple(each.table for each in found)}
    return task.model_copy(update=own), joined, inferences, warnings
