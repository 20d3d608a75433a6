"""The files that tables are in: their kind, their columns, and what is said of a CSV file that is none."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import fsspec
from fsspec.utils import get_protocol

from mlestar.errors import DataError

__all__ = [
    "SKLEARN",
    "check_encoding",
    "check_header",
    "check_widths",
    "column_names",
    "is_local",
    "kind_of",
    "not_parquet",
    "opened",
]

SKLEARN = "sklearn:"
"""With which the URI of a data set begins that ships with scikit-learn."""

_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_KINDS = {"csv": "csv", "tsv": "tsv", "parquet": "parquet", "pq": "parquet"}
_LONGEST_FIELD = 1 << 30


def is_local(uri: str) -> bool:
    """Whether it is a file of this machine, which costs nothing to look at."""
    return not uri.startswith(SKLEARN) and get_protocol(uri) == "file"


def column_names(uri: str) -> tuple[str, ...]:
    """The columns of a file, in its order, as :func:`~mlestar.data.sources.read_table` names them; reads no rows.

    Raises
    ------
    DataError
        When the file cannot be read, or its header names no columns or one twice.
    """
    kind = kind_of(uri)
    if kind == "parquet":
        return _parquet_names(uri)
    names = check_header(uri, "\t" if kind == "tsv" else ",")
    return tuple(name or f"Unnamed: {position}" for position, name in enumerate(names))  # as pandas calls them


def kind_of(uri: str) -> str:
    """``csv``, ``tsv`` or ``parquet``, by the name of the file.

    Raises
    ------
    DataError
        When it has none of these endings.
    """
    kinds = [_KINDS[suffix] for suffix in uri.lower().rsplit("/", 1)[-1].split(".")[1:] if suffix in _KINDS]
    if not kinds:
        raise DataError(f"{uri}: not a known kind of file; use .csv, .csv.gz, .tsv, .parquet or sklearn:<name>")
    return kinds[-1]


@contextmanager
def opened(uri: str, mode: str = "rb", **options: Any) -> Iterator[IO[Any]]:
    """Open a file at a path or an fsspec URI; ``options`` are those of ``fsspec.open``.

    Raises
    ------
    DataError
        When it is absent or cannot be read.
    """
    try:
        file = fsspec.open(uri, mode, **options).open()
    except FileNotFoundError:
        raise DataError(f"{uri}: no such file; check the path") from None
    except (IsADirectoryError, PermissionError) as error:
        raise DataError(f"{uri}: cannot be read ({error.strerror}); name a file that can be read") from None
    except (ImportError, ValueError) as error:  # an unknown protocol, or one whose package is not installed
        raise DataError(f"{uri}: {error}") from None
    with file:
        yield file


def check_header(uri: str, delimiter: str) -> list[str]:
    """The fields of the first line; refuses a file in which it does not name the columns."""
    try:
        names = next((record for _, record in _records(uri, delimiter) if record), [])
    except UnicodeDecodeError:
        check_encoding(uri)
        raise
    if not names:
        raise DataError(f"{uri}: the file is empty; its first line must hold the column names")
    for other, plural in _DELIMITERS.items():
        if len(names) == 1 and other in names[0]:
            raise DataError(
                f"{uri}:1: one column, {names[0][:60]!r}; is it separated by {plural}? write it with commas"
            )
    if repeated := [name for position, name in enumerate(names) if name in names[:position]]:
        raise DataError(f"{uri}:1: column {repeated[0]!r} occurs twice; rename or remove one of them")
    return names


def check_widths(uri: str, delimiter: str) -> None:
    """Refuse a file in which some row has more or fewer fields than the header."""
    records = ((line, record) for line, record in _records(uri, delimiter) if record)
    _, header = next(records)
    for line, record in records:
        if len(record) != len(header):
            raise DataError(
                f"{uri}:{line}: {len(record)} field(s) where the header has {len(header)}; "
                "complete the row, or quote the value that contains a delimiter"
            )


def _records(uri: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file as text, each with the line on which it ends."""
    csv.field_size_limit(_LONGEST_FIELD)
    with opened(uri, "rt", compression="infer", encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        for record in reader:
            yield reader.line_num, record


def check_encoding(uri: str) -> None:
    """Refuse a file that is not UTF-8, naming where."""
    with opened(uri, compression="infer") as file:
        for line, content in enumerate(file, 1):
            try:
                content.decode("utf-8")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{uri}:{line}: byte {error.start + 1} of the line (0x{content[error.start]:02x}) is not UTF-8; "
                    "convert the file, for example: iconv -f latin1 -t utf-8"
                ) from None


def not_parquet(uri: str, error: Exception) -> DataError:
    """What to raise for a file that the Parquet reader refuses."""
    return DataError(f"{uri}: not a Parquet file ({error}); write it again or use CSV")


def _parquet_names(uri: str) -> tuple[str, ...]:
    import pyarrow.parquet as pq  # what only a Parquet file needs

    with opened(uri) as file:
        try:
            schema = pq.read_schema(file)
        except (ValueError, OSError) as error:
            raise not_parquet(uri, error) from None
    index = (schema.pandas_metadata or {}).get("index_columns", ())  # of the table that was written; not read back
    return tuple(str(name) for name in schema.names if name not in index)
