"""What the target says: the type of the task, its classes, and which of two is the positive one."""

from __future__ import annotations

import pandas as pd

from mlestar.data.metric_names import METRICS
from mlestar.data.roles import reads_as_dates
from mlestar.data.task import Label, TaskType
from mlestar.errors import DataError, quoted

__all__ = ["check_type", "find_label", "infer_type", "labels_of", "positive_of"]

_MOST_NUMBERED_CLASSES = 10
_FEWEST_ROWS_PER_NUMBER = 10
_AFFIRMATIVE = {"yes", "y", "true", "t", "positive", "pos"}


def infer_type(targets: pd.DataFrame, metric: str | None) -> tuple[TaskType, str]:
    """The type of the task, and the reason.

    Parameters
    ----------
    targets : DataFrame
        The target columns, typed and without missing values.
    metric : str or None
        The metric of the spec, which may settle it.

    Raises
    ------
    DataError
        When the target reads as dates, or as numbers but for some values: every one would become a class.
    """
    if targets.shape[1] > 1:
        return "regression", f"there are {targets.shape[1]} targets"
    column = targets.iloc[:, 0]
    counts = column.value_counts()
    if metric in METRICS["regression"]:
        return "regression", f"{metric} judges numbers"
    if pd.api.types.is_numeric_dtype(column) and len(counts) > 2 and not _is_judged_by_class(metric):
        if len(counts) > _MOST_NUMBERED_CLASSES or (column % 1 != 0).any():
            return "regression", f"the target has {len(counts)} different numbers"
        if counts.min() < _FEWEST_ROWS_PER_NUMBER:
            return (
                "regression",
                f"the number {counts.index[-1]:g} is too rare in the target ({counts.min()}) for a class",
            )
    if pd.api.types.is_string_dtype(column) and len(counts) > _MOST_NUMBERED_CLASSES:
        _require_no_numbers(column)
        if reads_as_dates(column):
            raise _dates(column)
    reason = f"the target has {len(counts)} different values"
    return "binary" if len(counts) == 2 else "multiclass", reason


def _require_no_numbers(column: pd.Series) -> None:
    odd = pd.to_numeric(column, errors="coerce").isna()
    as_numbers = pd.to_numeric(column.str.replace(",", ".", n=1), errors="coerce")  # also those with decimal commas
    if as_numbers.notna().mean() > 0.5:
        example = column[odd].iloc[0] if odd.any() else column.iloc[0]
        raise DataError(
            f"target {quoted(column.name)} reads as numbers but for values such as {quoted(example)}; correct these, "
            "or set task.type: multiclass if it names classes"
        )


def _dates(column: pd.Series) -> DataError:
    return DataError(f"target {quoted(column.name)} holds dates; predict a number made of them, such as days")


def _is_judged_by_class(metric: str | None) -> bool:
    return metric in (*METRICS["binary"], *METRICS["multiclass"])


def check_type(targets: pd.DataFrame, task_type: TaskType) -> None:
    """Refuse a target that cannot be of the type that the spec says.

    Raises
    ------
    DataError
    """
    for name, column in targets.items():
        distinct = column.nunique()
        if distinct < 2:
            raise DataError(f"target {quoted(name)} has the same value in every row; name a column that differs")
        if pd.api.types.is_datetime64_any_dtype(column):
            raise _dates(column)
        if task_type == "regression" and not pd.api.types.is_numeric_dtype(column):
            odd = column[pd.to_numeric(column, errors="coerce").isna()]
            example = (odd if len(odd) else column).iloc[0]
            raise DataError(
                f"target {quoted(name)} is not numeric, it holds {quoted(example)}; correct it or set task.type"
            )
        if task_type == "binary" and distinct > 2:
            raise DataError(
                f"target {quoted(name)} has {distinct} values, a binary task has 2; set task.type: multiclass"
            )
        if task_type == "multiclass" and distinct == 2:
            raise DataError(f"target {quoted(name)} has 2 values; set task.type: binary")


def labels_of(column: pd.Series) -> tuple[Label, ...]:
    """The values of a target without missing values, sorted; whole numbers as ``int``."""
    values = sorted(column.unique().tolist())
    return tuple(int(value) if isinstance(value, float) and value.is_integer() else value for value in values)


def find_label(wanted: Label, labels: tuple[Label, ...]) -> Label | None:
    """The label that a spec means by ``wanted``: 1 is 1.0, "1" or true, and true is "True" or "TRUE"."""
    for same in (lambda label: label == wanted, lambda label: str(label).casefold() == str(wanted).casefold()):
        if found := [label for label in labels if same(label)]:
            return found[0]
    return None


def positive_of(column: pd.Series) -> tuple[Label, str]:
    """The positive one of the two values of a target, and the reason."""
    labels = labels_of(column)
    affirmative = [label for label, other in (labels, labels[::-1]) if _affirms(label, other)]
    if len(affirmative) == 1:
        return affirmative[0], f"of {_shown(labels)}, it is the one that affirms"
    counts = [int((column == label).sum()) for label in labels]
    return (
        labels[0] if counts[0] < counts[1] else labels[1],
        f"of {_shown(labels)}, it is the rarer one" if counts[0] != counts[1] else f"the later of {_shown(labels)}",
    )


def _affirms(label: Label, other: Label) -> bool:
    return str(label).casefold() in _AFFIRMATIVE or (label == 1 and other in (0, -1))


def _shown(labels: tuple[Label, ...]) -> str:
    return " and ".join(quoted(label) for label in labels)
