"""A sample of the training rows, small enough to ship with a program."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mlestar.data.sources import typed
from mlestar.data.tables import read_arrow
from mlestar.data.task import Column, Storage, Table, Task
from mlestar.evaluation.folds import read_target
from mlestar.stages.scoped import table_file
from mlestar.validation.holdout import sample_rows

__all__ = ["Sample", "draw_sample"]

_ROWS, _LEAST_ROWS, _CELLS = 300, 60, 30_000  # as many cells, where there are hundreds of columns
_FITTED_SHARE = 2 / 3


@dataclass(frozen=True)
class Sample:
    """Rows to fit on, followed by rows to predict.

    Attributes
    ----------
    csv : str
        What is shipped: what the program needs of the user's file, and no more.
    features : DataFrame
        As a program reads them from there.
    target : DataFrame
        As workers take it, see docs/contracts.md.
    y : array, shape (rows,) or (rows, outputs)
        Class numbers, or values.
    fitted_rows : int
    tables : {name: str}
        As CSV, what the auxiliary tables know of these rows.
    joined : {name: DataFrame}
        The same as a program reads it from there.
    """

    csv: str
    features: pd.DataFrame
    target: pd.DataFrame
    y: np.ndarray
    fitted_rows: int
    tables: dict[str, str]
    joined: dict[str, pd.DataFrame]


def draw_sample(task: Task, train_dir: Path, *, grouped: bool, with_tables: bool) -> Sample:
    """Some hundred rows at random, with rows of every class.

    Parameters
    ----------
    task : Task
    train_dir : Path
        The training rows, as scope writes them.
    grouped : bool
        Whether the program is fitted with groups; they are numbered then, as their names are nobody's business.
    with_tables : bool
        Whether the program joins auxiliary tables. Keys that are no features are numbered.
    """
    y = read_target(train_dir, task)
    rows, fitted_rows = _chosen(task, y)
    features = read_arrow(train_dir / "features.arrow").iloc[rows].reset_index(drop=True)
    target = read_arrow(train_dir / "target.arrow").iloc[rows].reset_index(drop=True)
    found = {each.name: _known_of(each, features, train_dir) for each in task.tables} if with_tables else {}
    for column in task.columns:
        if column.role == "key" and column.storage != "date":
            _number(column, [each for each in (features, *found.values()) if column.name in each])
    labels = np.array(task.classes, dtype=object)[y[rows]] if task.is_classification else y[rows]
    shipped = features.join(pd.DataFrame(labels.reshape(len(rows), -1), columns=list(task.targets)))
    if task.group and grouped:
        target["group"] = pd.factorize(target["group"], sort=True)[0]
        if task.group not in features:  # else it is a key, and numbered already
            shipped[task.group] = target["group"]
    else:
        target = target.drop(columns="group", errors="ignore")
    known = (
        _parsed(task.feature_storage, _csv(shipped))[list(task.targets)].notna().all(axis=1).to_numpy()
    )  # no class called "NA"
    text = _csv(shipped[known])
    tables = {name: _csv(frame) for name, frame in found.items()}
    return Sample(
        csv=text,
        features=typed(_parsed(task.feature_storage, text), task.feature_storage),
        target=target[known].reset_index(drop=True),
        y=y[rows][known],
        fitted_rows=int(known[:fitted_rows].sum()),
        tables=tables,
        joined={each.name: _read_back(each, task, tables[each.name]) for each in task.tables if each.name in tables},
    )


def _known_of(table: Table, features: pd.DataFrame, train_dir: Path) -> pd.DataFrame:
    """What a table knows of some rows."""
    keys = features[list(table.key)].drop_duplicates()
    return read_arrow(table_file(train_dir, table.name)).merge(keys, on=list(table.key))


def _number(key: Column, frames: Sequence[pd.DataFrame]) -> None:
    """Number the values of a key alike in all tables: who is behind them is nobody's business."""
    held = str if key.storage == "string" else float
    numbers = {value: held(place) for place, value in enumerate(frames[0][key.name].dropna().unique())}
    for frame in frames:
        frame[key.name] = frame[key.name].map(numbers)


def _read_back(table: Table, task: Task, text: str) -> pd.DataFrame:
    storage = {key: task.storage[key] for key in table.key} | table.storage
    return typed(_parsed(storage, text), storage)


def _chosen(task: Task, y: np.ndarray) -> tuple[np.ndarray, int]:
    """Positions of the rows, and how many are to be fitted on: the earlier ones, or a part that is stratified."""
    rows = sample_rows(task, y, min(_ROWS, max(_LEAST_ROWS, _CELLS // len(task.features))))
    fitted_rows = round(len(rows) * _FITTED_SHARE)
    if task.time:
        return rows, fitted_rows
    first = sample_rows(task, y[rows], fitted_rows)
    return np.concatenate([rows[first], np.delete(rows, first)]), fitted_rows


def _csv(table: pd.DataFrame) -> str:
    strings = table.select_dtypes(include=["object", "string"])
    holds_returns = any(column.astype("str").str.contains("\r", regex=False).any() for _, column in strings.items())
    return table.to_csv(index=False, lineterminator="\r\n" if holds_returns else "\n")  # what ends a line is quoted


def _parsed(storage: Mapping[str, Storage], text: str) -> pd.DataFrame:
    """The table that a program reads; text that means "missing" in a CSV file is missing."""
    strings = {name: str for name, held in storage.items() if held == "string"}
    return pd.read_csv(io.StringIO(text), dtype=strings, low_memory=False, index_col=False)
