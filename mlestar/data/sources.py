"""Sources: reading a table from a URI, its fingerprint, and how its columns are held."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from mlestar.data.dates import read_dates
from mlestar.data.files import (
    SKLEARN,
    check_header,
    check_rows,
    column_names,
    kind_of,
    opened,
    opened_parquet,
    sklearn_set,
)
from mlestar.data.task import Storage
from mlestar.digests import digest
from mlestar.errors import DataError, listed, quoted, reason
from mlestar.spec import Scope

__all__ = ["data_fingerprint", "fingerprint", "read_table", "storage_of", "typed"]

_OBJECTS: dict[str, Storage] = {"decimal": "number", "date": "date"}  # types of Parquet that pandas lacks
_CHUNK = 1 << 20
_LARGEST_EXACT = 2**53  # of the whole numbers that float64 holds without gaps


def read_table(uri: str, storage: Mapping[str, Storage] | None = None) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    uri : str
        A ``.csv``, ``.tsv`` (both also compressed, as in ``.csv.gz``) or ``.parquet`` file, local or at any fsspec URI;
        or ``sklearn:<name>``, a data set that ships with scikit-learn: its class names (or its values) are in the
        column ``target``, except for linnerud, which has three target columns.
    storage : mapping, optional
        How the columns of the training data are held. Columns held as strings are read as the text that the file has,
        so "01" is "01" no matter what else this file contains. Without it, types are inferred.

    Raises
    ------
    DataError
        When the file is absent, empty, not UTF-8, ragged, seems to have another delimiter, or has a column name twice.
    """
    if uri.startswith(SKLEARN):
        return _read_sklearn(uri)
    kind = kind_of(uri)
    return _read_parquet(uri) if kind == "parquet" else _read_csv(uri, "\t" if kind == "tsv" else ",", storage)


def fingerprint(uri: str) -> str:
    """SHA-256 (64 hexadecimal digits) of a source's content, read in pieces."""
    if uri.startswith(SKLEARN):
        return hashlib.sha256(_read_sklearn(uri).to_csv(index=False).encode()).hexdigest()
    found = hashlib.sha256()
    with opened(uri) as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def data_fingerprint(scope: Scope) -> str:
    """SHA-256 (64 hexadecimal digits) of the training data of a scope, and of its auxiliary tables."""
    tables = {name: [fingerprint(each.uri), each.keys] for name, each in scope.data.auxiliary.items()}
    train = fingerprint(scope.data.train)
    return digest([train, tables]) if tables else train


def storage_of(frame: pd.DataFrame) -> dict[str, Storage]:
    """How each column is to be held: numbers as float64, dates as datetime64, everything else as strings.

    So are whole numbers beyond 2^53, which float64 would take for one another.
    """
    return {str(name): _storage(column) for name, column in frame.items()}


def typed(frame: pd.DataFrame, storage: Mapping[str, Storage]) -> pd.DataFrame:
    """The columns of ``storage``, in its order, held as it says.

    ``number`` is float64, and what is no number is missing; ``string`` is pandas' string dtype with missing values,
    booleans being "True" and "False"; ``date`` is datetime64[us] in UTC without a time zone, and so is ``day_first``,
    of strings with the day before the month.

    Raises
    ------
    DataError
        When a column is absent.
    """
    if absent := [name for name in storage if name not in frame.columns]:
        if len(absent) == 1:
            message = f"column {quoted(absent[0])} is missing from the data; add it, it was there in the training data"
        else:
            message = f"{len(absent)} columns are missing from the data: {listed(absent)}; add them, training had them"
        raise DataError(message)
    return pd.DataFrame({name: _held(frame[name], kind) for name, kind in storage.items()}, index=frame.index)


def _storage(column: pd.Series) -> Storage:
    if pd.api.types.is_bool_dtype(column):
        return "string"
    if pd.api.types.is_numeric_dtype(column):
        return "string" if _is_inexact(column) else "number"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "date"
    return _OBJECTS.get(pd.api.types.infer_dtype(column), "string") if column.dtype == object else "string"


def _is_inexact(column: pd.Series) -> bool:
    """Whether whole numbers are so large that float64 would make some of them equal, as identifiers may be."""
    known = column.dropna() if pd.api.types.is_integer_dtype(column) else column[:0]
    return len(known) > 0 and max(-int(known.min()), int(known.max())) > _LARGEST_EXACT


def _held(column: pd.Series, storage: Storage) -> pd.Series:
    if storage == "number":
        if column.dtype == np.float64:
            return column
        return pd.to_numeric(column, errors="coerce").astype(np.float64)
    if storage in ("date", "day_first"):
        return read_dates(column, storage == "day_first").astype("datetime64[us]")
    return column.astype(str).where(column.notna())


def _read_sklearn(uri: str) -> pd.DataFrame:
    from sklearn import datasets  # costs a second, and few need it

    bunch = getattr(datasets, f"load_{sklearn_set(uri)}")(as_frame=True)
    frame: pd.DataFrame = bunch.frame
    if "target" in frame and "target_names" in bunch:
        frame["target"] = np.asarray(bunch.target_names)[frame["target"]]
    return frame


def _read_parquet(uri: str) -> pd.DataFrame:
    column_names(uri)  # refuses what has no rows, or a name twice
    with opened_parquet(uri) as file:
        frame = pd.read_parquet(file)
    frame.columns = frame.columns.astype(str)
    return frame.reset_index(drop=True)


def _read_csv(uri: str, delimiter: str, storage: Mapping[str, Storage] | None) -> pd.DataFrame:
    check_header(uri, delimiter)
    as_text = [name for name, held in (storage or {}).items() if held == "string"]
    frame = _parse(uri, delimiter, as_text)
    # Booleans are kept as the file spells them, as they will be read once `storage` is known.
    if booleans := [name for name in frame if _has_booleans(frame[name])]:
        frame = _parse(uri, delimiter, [*as_text, *booleans])
    # A row that is too short ends in missing values, so only such a file needs the slow look.
    if frame.iloc[:, -1].hasnans:
        check_rows(uri, delimiter)
    return frame


def _parse(uri: str, delimiter: str, as_text: list[str]) -> pd.DataFrame:
    types = dict.fromkeys(as_text, str)
    try:
        with opened(uri, compression="infer") as file, warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # low_memory=False: types are inferred from whole columns, not from chunks that may disagree.
            return pd.read_csv(file, sep=delimiter, dtype=types, index_col=False, low_memory=False)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        check_rows(uri, delimiter)
        raise DataError(f"{uri}: not a CSV file ({reason(error)}); correct it, or export it again") from None


def _has_booleans(column: pd.Series) -> bool:
    return pd.api.types.is_bool_dtype(column) or (column.dtype == object and bool(column.map(type).eq(bool).any()))
