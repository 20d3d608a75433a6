"""A spec for a table that nobody has described yet: what can be inferred is set, and the comments say why."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mlestar.data.files import SKLEARN, column_names, is_local
from mlestar.data.infer import Inference, infer_task
from mlestar.data.leakage import Suspicion, suspicions
from mlestar.data.likely_targets import likely_targets
from mlestar.data.metric_names import METRICS
from mlestar.data.sources import read_table, typed
from mlestar.data.target import has_target, target_values
from mlestar.data.task import Task
from mlestar.errors import DataError, SpecError, listed, quoted
from mlestar.spec import Constraints, Data, Scope, Source, TaskSpec, did_you_mean
from mlestar.spec.commented import Entry, commented_spec

__all__ = ["SuggestedSpec", "scope_name", "suggest_spec"]

_GENERIC_NAMES = {"train", "training", "data", "dataset", "table"}
_MOST_COLUMNS = 60
_LONGEST_NAME, _LONGEST_WARNING = 32, 300
_WALL_CLOCK = "10m"
_FORBIDDEN = "constraints.forbidden_features"


@dataclass(frozen=True)
class SuggestedSpec:
    """A spec as text, and what is in it.

    Attributes
    ----------
    text : str
        YAML with comments.
    task : Task
        What the spec will be taken for.
    target_reason : str
        Why the target was chosen; empty where it was given.
    others : list of str
        Other columns that may be the target.
    warnings : list of str
        What a person should look at before believing a score; each ends with the remedy.
    """

    text: str
    task: Task
    target_reason: str
    others: list[str]
    warnings: list[str]


def suggest_spec(
    train: str, *, targets: Sequence[str] = (), test: str | None = None, name: str = "", folder: Path, schema: str
) -> SuggestedSpec:
    """Describe a table by a scope spec.

    Parameters
    ----------
    train : str
        Path or URI of the training data.
    targets : sequence of str
        The columns to predict; without any, the likeliest one.
    test : str, optional
        Path or URI of the data to predict.
    name : str
        Of the scope; by default after the training data.
    folder : Path
        Where the spec will stand; local data is named relative to it.
    schema : str
        Path or URI of the JSON Schema, for editors.

    Raises
    ------
    DataError, SpecError
        When the data cannot be read, has no such column, or nothing can be learnt from it.
    """
    frame = read_table(train)
    known = None if test is None or test.startswith(SKLEARN) else column_names(test)
    others, reason = [], ""
    if targets:
        _require_columns(targets, frame, train)
    else:
        (first, reason), *rest = likely_targets(frame, known) or [("", "")]
        if not first:
            raise DataError(f"{train}: no column looks like the one to predict; name it with --target")
        targets, others = [first], [column for column, _ in rest]
    unknown = [column for column in frame.columns if known is not None and column not in {*known, *targets}]
    scope = Scope(
        apiVersion="mlestar/v1",
        kind="Scope",
        name=name or scope_name(train),
        data=Data(train=train, test=test),
        task=TaskSpec(target=targets[0] if len(targets) == 1 else tuple(targets)),
        constraints=Constraints(forbidden_features=tuple(unknown)),
    )
    try:
        task, inferences, warnings = infer_task(scope, frame, source=Source(train))
    except DataError as error:
        guessed = f"; or name another target than {quoted(targets[0])} with --target" if reason else ""
        raise DataError(f"{train}: {error}{guessed}") from None
    suspected = _suspicions(frame, task)
    lacking = [f"{test} lacks {listed(unknown)}: left out of the features (forbidden_features)"] if unknown else []
    warnings = [_cut(each, _LONGEST_WARNING) for each in (*lacking, *warnings, *(each.sentence for each in suspected))]
    entries = _entries(scope, task, inferences, folder)
    if unknown:
        entries[_FORBIDDEN] = Entry(unknown, "Not in the data to predict.")
    elif columns := [each.column for each in suspected if each.column]:
        entries[_FORBIDDEN] = Entry(columns, "Suspected, see above.", is_set=False)
    if reason:
        also = f" Also likely: {', '.join(map(repr, others))}." if others else ""
        entries["task.target"] = Entry(task.targets[0], f"Guessed: {reason}.{also}")
    head = [
        f"yaml-language-server: $schema={schema}",
        f"A scope spec for {_cut(train, 80)} ({task.rows:,} rows), written by mlestar init.",
        "It runs as it is. A field in a comment is inferred, or has the default that is shown; to set it, remove the #",
        "and, where it says (example), write a value of your own.",
        *(["", "Look at this before you trust a score:"] if warnings else []),
        *(f"- {each}" for each in warnings),
    ]
    left_out = () if task.type == "binary" else ("task.positive",)
    text = commented_spec(entries, head=head, notes={"task": _columns(task)}, left_out=left_out)
    return SuggestedSpec(text, task, reason, others, warnings)


def _require_columns(targets: Sequence[str], frame: pd.DataFrame, train: str) -> None:
    for target in targets:
        if target not in frame.columns:
            names = list(map(str, frame.columns))
            remedy = did_you_mean(target, names) or f"; the columns are {listed(names)}"
            raise SpecError(f"--target {quoted(target)}: {train} has no such column{remedy}")


def scope_name(uri: str) -> str:
    """A name for the scope of a table: that of its file or, where that says nothing, of its folder.

    Examples
    --------
    >>> [scope_name(uri) for uri in ("data/Telco Churn.csv", "telco-churn/train.csv.gz", "sklearn:wine", "train.csv")]
    ['telco-churn', 'telco-churn', 'wine', 'my-scope']
    """
    *folders, file = uri.removeprefix(SKLEARN).split("/")
    for name in (file.split(".")[0], *reversed(folders)):
        slug = re.sub("[^a-z0-9]+", "-", name.lower())[:63].strip("-")
        if slug and slug not in _GENERIC_NAMES:
            return slug
    return "my-scope"


def _suspicions(frame: pd.DataFrame, task: Task) -> list[Suspicion]:
    frame = typed(frame, task.storage)
    frame = frame[has_target(frame, task.targets)].reset_index(drop=True)
    return suspicions(frame, target_values(frame, task), task)


def _entries(scope: Scope, task: Task, inferences: Sequence[Inference], folder: Path) -> dict[str, Entry]:
    """The fields that are known, by their paths."""
    reasons = {each.field: f"Inferred: {each.reason}." for each in inferences}
    fitting = ", ".join(name for name in METRICS[task.type] if name != task.metric)
    entries = {
        "apiVersion": Entry("mlestar/v1"),
        "kind": Entry("Scope"),
        "name": Entry(scope.name, "The results of a run go to runs/<name>."),
        "data.train": Entry(_placed(scope.data.train, folder)),
        "task.target": Entry(scope.task.target),
        "task.type": Entry(task.type, reasons["task.type"]),
        "task.metric": Entry(task.metric, f"{reasons['task.metric']} Others that fit: {fitting}."),
        "budget.wall_clock": Entry(_WALL_CLOCK),
    }
    if scope.data.test:
        entries["data.test"] = Entry(_placed(scope.data.test, folder))
    if task.type == "binary":
        entries["task.positive"] = Entry(task.classes[1], reasons["task.positive"])
    if task.id:
        entries["task.id"] = Entry(task.id, reasons[f"columns.{task.id}"])
    if task.text:
        entries["task.text"] = Entry(task.text, reasons[f"columns.{task.text[0]}"])
    if task.dates:
        dates = ", ".join(_cut(repr(name), _LONGEST_NAME) for name in task.dates)
        entries["task.time"] = Entry(task.dates[0], f"Dates are in {dates}.", is_set=False)
    for each in inferences:
        if each.field in ("validation.holdout", "validation.folds"):
            entries[each.field] = Entry(each.value, reasons[each.field], is_set=False)
    return entries


def _placed(uri: str, folder: Path) -> str:
    """The URI as a spec in ``folder`` names it."""
    if not is_local(uri):
        return uri
    path = Path(uri).absolute()
    relative = Path(os.path.relpath(path, folder.absolute())).as_posix()
    return path.as_posix() if relative.startswith("../..") else relative


def _columns(task: Task) -> list[str]:
    """The columns of the data as a table in a comment."""
    rows = [("column", "role", "missing", "different")]
    for column in task.columns[:_MOST_COLUMNS]:
        note = f"  {column.note}" if column.note else ""
        name = column.name if column.name.isprintable() else repr(column.name)
        rows.append((_cut(name, _LONGEST_NAME), column.role, f"{column.missing:,}", f"{column.unique:,}{note}"))
    width = max(len(name) for name, *_ in rows)
    lines = [f"  {name:<{width}}  {role:<11}  {missing:>9}  {different}" for name, role, missing, different in rows]
    more = len(task.columns) - _MOST_COLUMNS
    return ["What the columns are taken for:", *lines, *([f"  and {more:,} more"] if more > 0 else [])]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
