"""From the scope spec and the training data to the task: whatever the spec leaves out is inferred, and said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlestar.data.classes import check_type, find_label, infer_type, labels_of, positive_of
from mlestar.data.columns import joinable, resolve_columns, suggestions
from mlestar.data.metric_names import METRICS, metric_problem
from mlestar.data.preflight import check_names
from mlestar.data.sources import storage_of, typed
from mlestar.data.splits import default_folds, default_holdout, default_repeats
from mlestar.data.target import has_target, values_problem
from mlestar.data.task import Column, Label, Splitter, Task, TaskType
from mlestar.errors import DataError, quoted
from mlestar.spec import Scope, Source

__all__ = ["Inference", "infer_task"]

_FEWEST_ROWS = 20
_LARGEST_TARGET = 1e100  # whose squares still add up
_METRIC_REASONS = {
    "roc_auc": "judges the ranking, and needs no threshold",
    "log_loss": "judges the probabilities of all classes, rare ones included",
    "rmse": "judges in the unit of the target",
}


@dataclass(frozen=True)
class Inference:
    """What the spec left out: the field, the value (as JSON holds it) and why it was chosen."""

    field: str
    value: Any
    reason: str


def infer_task(
    scope: Scope, frame: pd.DataFrame, *, source: Source | None = None
) -> tuple[Task, list[Inference], list[str]]:
    """Complete the scope with what the training data says.

    Parameters
    ----------
    scope : Scope
    frame : DataFrame
        The training data as :func:`~mlestar.data.sources.read_table` returns it; rows without a target are not
        considered, and :func:`~mlestar.data.target.has_target` says which they are.
    source : Source, optional
        Where the scope was read, for errors that name the line.

    Returns
    -------
    task : Task
    inferences : list of Inference
        Everything that the scope left out.
    warnings : list of str
        What a person should look at; each ends with the remedy.

    Raises
    ------
    SpecError
        When the scope names a column that is absent, or contradicts itself or the data.
    DataError
        When nothing can be learnt from the data: too few rows, a constant target, a class that is too rare.
    """
    return _Inferring(scope, frame, source or Source(f"scope {scope.name}")).task()


class _Inferring:
    """One pass over scope and data that collects inferences and warnings on its way."""

    def __init__(self, scope: Scope, frame: pd.DataFrame, source: Source) -> None:
        self.scope, self.spec, self.source = scope, scope.task, source
        self.inferences: list[Inference] = []
        self.warnings: list[str] = []
        check_names(scope, [str(name) for name in frame.columns], source)
        self.storage = storage_of(frame)
        self.frame = self._usable(typed(frame, self.storage))

    def task(self) -> tuple[Task, list[Inference], list[str]]:
        task_type = self._type()
        metric = self._metric(task_type)
        classes = self._classes(task_type)
        columns = self._columns()
        identifiers = [column.name for column in columns if column.role == "id"]
        columns = joinable(self.scope, columns)
        splitter = self._splitter(task_type)
        folds, repeats = self._folds(splitter, classes)
        self._require_free_id(classes)
        task = Task(
            name=self.scope.name,
            type=task_type,
            targets=self.spec.targets,
            metric=metric,
            classes=classes,
            id=self.spec.id or next(iter(identifiers), None),
            time=self.spec.time,
            group=self.spec.group,
            columns=columns,
            rows=len(self.frame),
            splitter=splitter,
            folds=folds,
            repeats=repeats,
            gap=self._gap(),
            seed=self.scope.seed,
        )
        if not task.features:
            raise DataError("no column is left to predict from; add columns, or forbid fewer")
        if all(column.unique + (column.missing > 0) <= 1 for column in columns if column.name in task.features):
            raise DataError("every feature has the same value in all rows; add columns that differ")
        self.warnings += suggestions(task, self.frame)
        return task, self.inferences, self.warnings

    def _gap(self) -> int:
        gap = self.scope.validation.gap
        if gap and not self.spec.time:
            raise self.source.error(
                "validation.gap", "means nothing without an order of time; set task.time, or remove it"
            )
        return gap

    def _infer(self, field: str, value: Any, reason: str) -> None:
        self.inferences.append(Inference(field, value, reason))

    def _usable(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows that have a target."""
        known = has_target(frame, self.spec.targets)
        if not known.any():
            raise DataError(f"target {quoted(self.spec.targets[0])} has no value in any row; is it the right column?")
        if missing := int((~known).sum()):
            self.warnings.append(
                f"{missing} of {len(frame)} rows have no target and are left out; complete them if you can"
            )
        if known.sum() < _FEWEST_ROWS:
            raise DataError(f"{known.sum()} rows have a target; add data, there must be {_FEWEST_ROWS}")
        frame = frame.loc[known].reset_index(drop=True)
        for name in self.spec.targets:
            if self.storage[name] == "number" and not np.isfinite(frame[name]).all():
                raise DataError(f"target {quoted(name)} holds infinite values; correct or remove these rows")
            if self.storage[name] == "number" and (frame[name].abs() > _LARGEST_TARGET).any():
                raise DataError(f"target {quoted(name)} holds values beyond {_LARGEST_TARGET:g}; rescale it")
        return frame

    def _type(self) -> TaskType:
        targets = self.frame[list(self.spec.targets)]
        task_type: TaskType | None = self.spec.type
        if task_type is None:
            task_type, reason = infer_type(targets, self.spec.metric)
            self._infer("task.type", task_type, reason)
            if task_type == "multiclass" and self.storage[self.spec.targets[0]] == "number":
                self.warnings.append(
                    f"the numbers in {quoted(self.spec.targets[0])} are taken for classes; set task.type: regression "
                    "if it matters how far a prediction is off"
                )
        check_type(targets, task_type)
        if self.spec.type is None and task_type == "regression" and targets.nunique().tolist() == [2]:
            self.warnings.append(
                f"{quoted(targets.columns[0])} has two values, and {self.spec.metric} has them predicted as numbers; "
                f"for classes name another metric, such as {METRICS['binary'][0]}; else set task.type: regression"
            )
        return task_type

    def _metric(self, task_type: TaskType) -> str:
        metric = self.spec.metric
        if metric is None:
            metric = METRICS[task_type][0]
            self._infer("task.metric", metric, f"for a {task_type} task: {_METRIC_REASONS[metric]}")
        elif problem := metric_problem(metric, task_type):
            raise self.source.error("task.metric", problem)
        if problem := values_problem(metric, self.frame[list(self.spec.targets)]):
            raise self.source.error("task.metric", problem)
        return metric

    def _classes(self, task_type: TaskType) -> tuple[Label, ...]:
        wanted = self.spec.positive
        if task_type != "binary" and wanted is not None:
            raise self.source.error("task.positive", f"a {task_type} task has no positive class; remove it")
        if task_type == "regression":
            return ()
        column = self.frame[self.spec.targets[0]]
        labels = labels_of(column)
        if task_type == "multiclass":
            return labels
        if wanted is None:
            positive, reason = positive_of(column)
            self._infer("task.positive", positive, reason)
        else:
            found = find_label(wanted, labels)
            if found is None:
                raise self.source.error(
                    "task.positive",
                    f"{quoted(wanted)} is not in the target; use {quoted(labels[0])} or {quoted(labels[1])}",
                )
            positive = found
        return tuple(sorted(labels, key=lambda label: label == positive))

    def _columns(self) -> tuple[Column, ...]:
        columns, warnings = resolve_columns(self.scope, self.frame, self.storage, self.source)
        for column in columns:
            if column.note:
                self._infer(f"columns.{column.name}", column.role, column.note)
        self.warnings += warnings
        return columns

    def _require_free_id(self, classes: Sequence[Label]) -> None:
        """Predictions are written beside the id, under names of their own."""
        taken = {"prediction", *(f"prediction_{target}" for target in self.spec.targets)}
        if self.spec.id in taken | {f"probability_{label}" for label in classes}:
            raise self.source.error(
                "task.id", f"the predictions have a column {quoted(self.spec.id)} too; rename it in the data"
            )

    def _splitter(self, task_type: TaskType) -> Splitter:
        stratify = task_type != "regression"
        if self.spec.time:
            return "time"
        if self.spec.group:
            if missing := int(self.frame[self.spec.group].isna().sum()):
                raise DataError(
                    f"group column {quoted(self.spec.group)}: {missing} rows have no group; complete or remove them"
                )
            return "stratified_group" if stratify else "group"
        return "stratified" if stratify else "kfold"

    def _folds(self, splitter: Splitter, classes: Sequence[Label]) -> tuple[int, int]:
        """Folds and repeats; no more folds than the rarest class and the groups can fill beside a holdout."""
        rows, validation = len(self.frame), self.scope.validation
        holdout = validation.holdout or default_holdout(rows)
        if validation.holdout is None:
            self._infer("validation.holdout", holdout, f"for {rows} rows")
        folds, reason = validation.folds or default_folds(rows), f"for {rows} rows"
        for count, what, remedy in self._limits(classes):
            most = int(count * (1 - holdout))
            if most < 2:
                raise DataError(f"{what}, too few for 2 folds and a holdout; {remedy}")
            if most < folds and validation.folds:
                raise self.source.error("validation.folds", f"{what}, too few for {folds} folds; write {most} or less")
            if most < folds:
                folds, reason = most, f"{what}, too few for {folds}"
                self.warnings.append(f"{folds} folds only: {reason}; {remedy}")
        if validation.folds is None:
            self._infer("validation.folds", folds, reason)
        repeats = default_repeats(rows, splitter)
        if repeats > 1:
            self._infer("repeats of the folds", repeats, f"the score of {rows} rows depends on how they are split")
        return folds, repeats

    def _limits(self, classes: Sequence[Label]) -> Iterator[tuple[int, str, str]]:
        yield len(self.frame), f"the data has {len(self.frame)} rows", "add data"
        if classes:
            target = self.frame[self.spec.targets[0]]
            counts = {label: int((target == label).sum()) for label in classes}
            rarest = min(counts, key=lambda label: counts[label])
            found = f"class {quoted(rarest)} of {quoted(target.name)} has {counts[rarest]} rows"
            yield counts[rarest], found, "merge it with others or add data"
        if self.spec.group:
            groups = self.frame[self.spec.group].nunique()
            yield groups, f"{quoted(self.spec.group)} has {groups} groups", "name another column or add data"
