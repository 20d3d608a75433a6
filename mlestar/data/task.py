"""The task: what is predicted from what, after everything the spec left out was inferred."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

__all__ = ["Column", "ColumnRole", "Label", "Splitter", "Storage", "Table", "Task", "TaskType"]

Label: TypeAlias = str | int | float | bool
Storage: TypeAlias = Literal["number", "string", "date", "day_first"]
ColumnRole: TypeAlias = Literal["numeric", "categorical", "text", "date", "key", "target", "id", "group", "excluded"]
TaskType: TypeAlias = Literal["binary", "multiclass", "regression"]
Splitter: TypeAlias = Literal["kfold", "stratified", "group", "stratified_group", "time"]


class Column(BaseModel):
    """One column of the data.

    Attributes
    ----------
    name : str
    storage : {"number", "string", "date"}
        How the column is held before any block sees it: float64, pandas' string dtype, or datetime64[us].
    role : str
        What it is used for. ``numeric`` and ``date`` may be stored as strings: the ``clean`` block parses them. By a
        ``key`` rows are joined with other tables; it is no feature itself.
    missing, unique : int
        Rows without a value, or with one that its role cannot read, and distinct values, among the training rows.
    length : float
        Of prose: the mean number of characters.
    day_first : bool
        Of dates written as text: whether they name the day before the month, as in 25.03.2021.
    note : str or None
        Why the role is not what the storage suggests.
    table : str or None
        The auxiliary table that a ``join`` block takes it from; None for a column of the training data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    storage: Storage
    role: ColumnRole
    missing: int = 0
    unique: int = 0
    length: float = 0.0
    day_first: bool = False
    note: str | None = None
    table: str | None = None


class Table(BaseModel):
    """An auxiliary table, which a ``join`` block joins with the rows of the training data.

    Attributes
    ----------
    name : str
    key : tuple of str
        Columns that both have, held alike.
    one_row : bool
        Whether a key names one row here; otherwise several rows are summarised.
    storage : {column: storage}
        How the other columns that blocks are given are held; ``day_first`` are dates that are written so.
    rows : int
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    key: tuple[str, ...]
    one_row: bool
    storage: dict[str, Storage]
    rows: int


class Task(BaseModel):
    """What is predicted from what, judged how and on which folds.

    Attributes
    ----------
    classes : tuple
        The labels in the order of the class numbers 0..k-1; ``classes[1]`` is the positive one of a binary task. Empty
        for regression.
    columns : tuple of Column
        In the order of the file, targets included; then what a ``join`` block can add to them.
    tables : tuple of Table
        Those that rows may be joined with.
    rows : int
        Rows with a target.
    gap : int
        Rows left out between training and validation of a time-ordered fold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: TaskType
    targets: tuple[str, ...]
    metric: str
    classes: tuple[Label, ...] = ()
    id: str | None = None
    time: str | None = None
    group: str | None = None
    columns: tuple[Column, ...]
    tables: tuple[Table, ...] = ()
    rows: int
    splitter: Splitter
    folds: int
    repeats: int = 1
    gap: int = 0
    seed: int = 0

    @property
    def is_classification(self) -> bool:
        """Whether labels are predicted rather than values."""
        return self.type != "regression"

    @property
    def outputs(self) -> int:
        """How many columns are predicted."""
        return len(self.targets)

    @property
    def features(self) -> tuple[str, ...]:
        """The columns of the training data that a program is given, in the order of the file."""
        roles = ("numeric", "categorical", "text", "date", "key")
        return tuple(column.name for column in self.columns if column.role in roles and column.table is None)

    @property
    def numeric(self) -> tuple[str, ...]:
        """Features that are numbers, or numbers written as text; like the following, joined ones included."""
        return self._with_role("numeric")

    @property
    def categorical(self) -> tuple[str, ...]:
        """Features whose values are categories."""
        return self._with_role("categorical")

    @property
    def text(self) -> tuple[str, ...]:
        """Features that are prose."""
        return self._with_role("text")

    @property
    def characters(self) -> float:
        """Characters of all prose in all rows: what reading it costs grows with."""
        return self.rows * sum(column.length for column in self.columns if column.role == "text")

    @property
    def dates(self) -> tuple[str, ...]:
        """Features that are dates, or dates written as text."""
        return self._with_role("date")

    @property
    def day_first(self) -> tuple[str, ...]:
        """Dates, of whatever role, that are written with the day before the month."""
        return tuple(column.name for column in self.columns if column.day_first)

    @property
    def storage(self) -> dict[str, Storage]:
        """How each column of the file is held; what :func:`~mlestar.data.sources.read_table` and ``typed`` take."""
        return {column.name: column.storage for column in self.columns if column.table is None}

    @property
    def feature_storage(self) -> dict[str, Storage]:
        """How the features are held."""
        names = set(self.features)
        return {name: held for name, held in self.storage.items() if name in names}

    def _with_role(self, role: ColumnRole) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.role == role)
