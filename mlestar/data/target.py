"""The target: which rows have one, and as the numbers that models and metrics work with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlestar.data.task import Label, Task
from mlestar.errors import DataError, quoted

__all__ = ["has_target", "target_frame", "target_values", "values_problem"]


def has_target(frame: pd.DataFrame, targets: Sequence[str]) -> NDArray[np.bool_]:
    """Which rows have a value in every target column, shape (rows,)."""
    return frame[list(targets)].notna().to_numpy().all(axis=1)


def values_problem(metric: str, targets: pd.DataFrame) -> str | None:
    """Why the metric cannot judge these values; None when it can.

    Examples
    --------
    >>> values_problem("rmsle", pd.DataFrame({"balance": [-20.0, 35.0]}))
    'rmsle needs targets above -1, the least is -20; use rmse or mae'
    >>> values_problem("mape", pd.DataFrame({"sales": [0.0, 35.0]}))
    'mape divides by the target, which is 0 in 1 of 2 rows; use mae or rmse'
    """
    if metric == "rmsle" and (least := targets.min().min()) <= -1:
        return f"rmsle needs targets above -1, the least is {least:g}; use rmse or mae"
    if metric == "mape" and (zeros := int((targets == 0).any(axis=1).sum())):
        return f"mape divides by the target, which is 0 in {zeros} of {len(targets)} rows; use mae or rmse"
    return None


def target_values(frame: pd.DataFrame, task: Task) -> NDArray[Any]:
    """The target of every row of a typed frame.

    Returns
    -------
    array
        Classification: int64 class numbers, positions in ``task.classes``, shape (rows,). Regression: float64, shape
        (rows,), or (rows, outputs) for several targets.

    Raises
    ------
    DataError
        When a row has no target, or one that is not among the classes.
    """
    if not has_target(frame, task.targets).all():
        raise DataError(f"target {quoted(task.targets[0])}: some rows have none; remove them first")
    if not task.is_classification:
        values = frame[list(task.targets)].to_numpy(dtype=np.float64)
        return values if task.outputs > 1 else values[:, 0]
    column = frame[task.targets[0]]
    numbers = pd.Index(task.classes).get_indexer(pd.Index(column))
    if (numbers < 0).any():
        unknown = column[numbers < 0].iloc[0]
        raise DataError(
            f"target {quoted(column.name)}: {quoted(unknown)} is none of the classes {_shown(task.classes)}; correct it"
        )
    return numbers.astype(np.int64)


def target_frame(values: NDArray[Any], groups: NDArray[Any] | None = None) -> pd.DataFrame:
    """The columns of a target file: ``target`` or ``target_0``, ``target_1``, ...; and ``group`` if there are groups.

    Parameters
    ----------
    values : array, shape (rows,) or (rows, outputs)
        From :func:`target_values`.
    groups : array, shape (rows,), optional
    """
    if values.ndim == 1:
        columns: dict[str, Any] = {"target": values}
    else:
        columns = {f"target_{i}": values[:, i] for i in range(values.shape[1])}
    return pd.DataFrame(columns if groups is None else {**columns, "group": groups})


def _shown(classes: tuple[Label, ...], most: int = 5) -> str:
    return ", ".join(map(quoted, classes[:most])) + (", ..." if len(classes) > most else "")
