"""The task: what is predicted from what, after everything the spec left out was inferred."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

__all__ = ["Column", "ColumnRole", "Label", "Splitter", "Storage", "Task", "TaskType"]

Label: TypeAlias = str | int | float | bool
Storage: TypeAlias = Literal["number", "string", "date"]
ColumnRole: TypeAlias = Literal["numeric", "categorical", "text", "date", "target", "id", "group", "excluded"]
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
        What it is used for. ``numeric`` and ``date`` may be stored as strings: the ``clean`` block parses them.
    missing, unique : int
        Rows without a value, and distinct values, among the training rows.
    note : str or None
        Why the role is not what the storage suggests.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    storage: Storage
    role: ColumnRole
    missing: int = 0
    unique: int = 0
    note: str | None = None


class Task(BaseModel):
    """What is predicted from what, judged how and on which folds.

    Attributes
    ----------
    classes : tuple
        The labels in the order of the class numbers 0..k-1; ``classes[1]`` is the positive one of a binary task. Empty
        for regression.
    columns : tuple of Column
        In the order of the file, targets included.
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
        """The columns that a program is given, in the order of the file."""
        return tuple(
            column.name for column in self.columns if column.role in ("numeric", "categorical", "text", "date")
        )

    @property
    def numeric(self) -> tuple[str, ...]:
        """Features that are numbers, or numbers written as text."""
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
    def dates(self) -> tuple[str, ...]:
        """Features that are dates, or dates written as text."""
        return self._with_role("date")

    @property
    def storage(self) -> dict[str, Storage]:
        """How each column of the file is held; what :func:`~mlestar.data.sources.read_table` and ``typed`` take."""
        return {column.name: column.storage for column in self.columns}

    @property
    def feature_storage(self) -> dict[str, Storage]:
        """How the features are held."""
        names = set(self.features)
        return {name: held for name, held in self.storage.items() if name in names}

    def _with_role(self, role: ColumnRole) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.role == role)
