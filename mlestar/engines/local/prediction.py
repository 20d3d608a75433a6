"""Predicting with a model directory: the program runs in a worker, never in this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlestar.errors import DataError, ModelError, quoted
from mlestar.files import write_bytes
from mlestar.private_folders import private_folder

if TYPE_CHECKING:
    import pandas as pd

    from mlestar.data import Task
    from mlestar.evaluation import Predictions, Workers

__all__ = ["Predicted", "predict"]

LONGEST_SECONDS = 3600.0  # that loading and predicting may take


@dataclass(frozen=True)
class Predicted:
    """How many rows were predicted, and what whoever uses the predictions should know of the table."""

    rows: int
    notes: Sequence[str]


def predict(model: Path, data: str, out: Path, workers: Workers, *, unblessed: bool = False) -> Predicted:
    """Write a CSV file with predictions: the id column, ``prediction``, and ``probability_<class>`` per class.

    Parameters
    ----------
    model
        Model directory, as ensemble and finalize write it.
    data
        Path or URI of a table that has the feature columns.
    out
        The file to write.
    workers
        Where the program runs.
    unblessed
        Whether a model that validation has not blessed may be used.

    Raises
    ------
    ModelError
        When a file of the model was changed, when the model is not blessed, or when its program fails on the data.
    DataError
        When the table cannot be read or lacks a column.
    """
    from mlestar.data import Task
    from mlestar.data.sources import read_table, typed
    from mlestar.data.tables import write_arrow
    from mlestar.evaluation import CandidateFailure, Limits
    from mlestar.solution import FIT_THREADS
    from mlestar.stages.environment import cores
    from mlestar.stages.model import MODEL_FILE, read_model
    from mlestar.stages.scoped import memory_limit_mb

    program, facts = read_model(model)
    if not facts["blessed"] and not unblessed:
        raise ModelError(f"{model}: validation has not blessed this model; to use it nevertheless, add --unblessed")
    task = Task.model_validate(facts["task"])
    frame = read_table(data, {**task.storage, **({task.id: "string"} if task.id else {})})  # "00042" is not 42
    limits = Limits(seconds=LONGEST_SECONDS, memory_mb=memory_limit_mb() * cores())
    with private_folder() as scratch:
        features = scratch / "features.arrow"
        try:
            rows = typed(frame, task.feature_storage)
            notes = _unreadable(frame, rows)
            write_arrow(rows, features)
        except DataError as error:
            raise DataError(f"{data}: {error}") from None
        try:
            with workers.session(program, seed=task.seed, threads=FIT_THREADS, limits=limits) as session:
                session.load(model / MODEL_FILE)
                predictions = session.predict(features)
        except CandidateFailure as failure:
            raise ModelError(
                f"{model}: cannot predict {data}: {failure.reason}; is it data of the same kind?"
            ) from None
    table = _table(frame, task, predictions)
    if out.is_symlink() or (out.exists() and not out.is_file()):  # such as /dev/stdout, which cannot be replaced
        table.to_csv(out, index=False)
    else:
        write_bytes(out, table.to_csv(index=False).encode())
    return Predicted(len(frame), [f"{data}: {note}" for note in notes])


def _unreadable(frame: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    """What cannot be read in columns of numbers or dates, and counts as missing.

    Raises
    ------
    DataError
        When a column is written so that nothing in it can be read.
    """
    notes = []
    for name in rows:
        unreadable = frame[name][frame[name].notna() & rows[name].isna()]
        if unreadable.empty:
            continue
        example = quoted(unreadable.iloc[0])
        if rows[name].isna().all() and unreadable.nunique() > 1:  # one value may stand for a missing one
            raise DataError(
                f"column {quoted(name)} holds nothing that can be read, such as {example}; write it as in training"
            )
        count = f"{len(unreadable):,} of {frame[name].notna().sum():,} values"
        notes.append(f"column {quoted(name)}: {count} cannot be read, such as {example}, and count as missing")
    return notes


def _table(frame: pd.DataFrame, task: Task, predictions: Predictions) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    columns: dict[str, Any] = {task.id: frame[task.id]} if task.id and task.id in frame else {}
    values = np.asarray(predictions.values).reshape(len(frame), -1)
    if task.is_classification:
        numbers = values.argmax(axis=1) if predictions.labels is None else predictions.labels
        columns["prediction"] = np.array(task.classes, dtype=object)[numbers]
        columns |= {f"probability_{label}": values[:, number] for number, label in enumerate(task.classes)}
    elif task.outputs == 1:
        columns["prediction"] = values[:, 0]
    else:
        columns |= {f"prediction_{target}": values[:, number] for number, target in enumerate(task.targets)}
    return pd.DataFrame(columns)
