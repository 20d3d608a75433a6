"""What a scope gets wrong about its data, as far as names and headers show it: checked before anything costs time."""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Sequence

from mlestar.data.files import SKLEARN, check_rows, column_names, is_local, kind_of, sklearn_set
from mlestar.data.metric_names import metric_problem
from mlestar.errors import DataError, listed, quoted
from mlestar.spec import Scope, Source, did_you_mean, did_you_mean_file

__all__ = ["check_names", "check_test", "check_train"]

_FORBIDDEN = "constraints.forbidden_features"


def check_train(scope: Scope, source: Source) -> None:
    """Refuse a metric that does not exist, files that are not there, and columns that they have not got.

    Only the beginning of a local file is read; of data elsewhere nothing is.

    Raises
    ------
    SpecError
        Naming the field of the spec.
    DataError
        When the file has no header that can be read.
    """
    if scope.task.metric and (problem := metric_problem(scope.task.metric, scope.task.type)):
        raise source.error("task.metric", problem)
    if _is_readable("data.train", scope.data.train, source):
        check_names(scope, column_names(scope.data.train), source)
    for name, table in scope.data.auxiliary.items():
        if _is_readable(f"data.auxiliary.{name}.uri", table.uri, source):
            _check_columns(f"data.auxiliary.{name}.key", table.keys, column_names(table.uri), table.uri, source)


def check_test(scope: Scope, source: Source) -> None:
    """Refuse a test file that is not there, is damaged, or lacks a column that every model of this scope will ask for.

    A local file is read to its end, because it is not needed before the run is over. A training column that is named
    like an identifier may turn out to be one, which no model is given.

    Raises
    ------
    SpecError, DataError
        As for :func:`check_train`.
    """
    test = scope.data.test
    if test is None or not _is_readable("data.test", test, source):
        return
    names, kind = column_names(test), kind_of(test)
    if kind != "parquet":
        check_rows(test, "\t" if kind == "tsv" else ",")
    if not is_local(scope.data.train):
        return
    unused = {*scope.task.targets, scope.task.id, scope.task.group, *scope.constraints.forbidden_features}
    unused -= {key for table in scope.data.auxiliary.values() for key in table.keys}
    trained = column_names(scope.data.train)
    absent = [name for name in trained if name not in names and name not in unused]
    if not absent:
        return
    from mlestar.data.roles import looks_like_identifier_name  # imports pandas, which takes half a second

    for name in absent:
        if not looks_like_identifier_name(name):
            new = [each for each in names if each not in trained]
            remedy = did_you_mean(name, new) or f"; add it, or name it in {_FORBIDDEN}"
            raise source.error(
                "data.test", f"{test} has no column {quoted(name)}, which {scope.data.train} has{remedy}"
            )


def check_names(scope: Scope, names: Sequence[str], source: Source) -> None:
    """Refuse a scope that names columns which are not in the data, or gives one two roles that exclude each other.

    Raises
    ------
    SpecError
    """
    spec, forbidden = scope.task, scope.constraints.forbidden_features
    one = {"task.id": spec.id, "task.time": spec.time, "task.group": spec.group}
    wanted: dict[str, Iterable[str]] = {
        "task.target": spec.targets,
        "task.text": spec.text or (),
        **{f"data.auxiliary.{name}.key": table.keys for name, table in scope.data.auxiliary.items()},
    }
    if not scope.data.auxiliary:  # else it may be a column of these
        wanted[_FORBIDDEN] = forbidden
    for path, found in {**wanted, **{path: (name,) for path, name in one.items() if name is not None}}.items():
        _check_columns(path, found, names, "the data", source)
    for name, table in scope.data.auxiliary.items():
        if targets := [key for key in table.keys if key in spec.targets]:
            raise source.error(f"data.auxiliary.{name}.key", f"{quoted(targets[0])} is the target; name another key")
        if kept := [key for key in table.keys if key in forbidden]:
            message = f"{quoted(kept[0])} is a key of data.auxiliary.{name}; remove one of the two"
            raise source.error(_FORBIDDEN, message)
    if both := [name for name in forbidden if name in spec.targets]:
        raise source.error(_FORBIDDEN, f"{quoted(both[0])} is the target; remove it here")
    if spec.time and spec.group:
        raise source.error(
            "task.group",
            "rows cannot be split by time and by group at once; keep 'time' if later rows of known groups are to be "
            "predicted, 'group' if new groups are",
        )


def _check_columns(field: str, wanted: Iterable[str], names: Sequence[str], place: str, source: Source) -> None:
    for name in wanted:
        if name not in names:
            remedy = did_you_mean(name, names) or f"; the columns are {listed(names)}"
            raise source.error(field, f"{place} has no column {quoted(name)}{remedy}")


def _is_readable(field: str, uri: str, source: Source) -> bool:
    """Whether it is a local file; refuses one that is not there, and a data set that does not exist."""
    if uri.startswith(SKLEARN):
        _check_set(field, uri, source)
    elif is_local(uri):
        _check_file(field, uri, source)
        return True
    return False


def _check_file(field: str, path: str, source: Source) -> None:
    if os.path.isdir(path):
        raise source.error(field, f"{path}: is a folder; name a file in it")
    if not os.path.exists(path):
        raise source.error(field, f"{path}: no such file{did_you_mean_file(path)}")
    if not os.path.isfile(path):  # a pipe would keep us waiting, and can be read only once
        raise source.error(field, f"{path}: is not a regular file; save the data in one")


def _check_set(field: str, uri: str, source: Source) -> None:
    try:
        sklearn_set(uri)
    except DataError as error:
        raise source.error(field, str(error)) from None
