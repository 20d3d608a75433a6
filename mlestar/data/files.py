"""The files that tables are in: their kind, their columns, and what is said of a CSV file that is none."""

from __future__ import annotations

import codecs
import csv
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import fsspec
from fsspec.utils import get_protocol

from mlestar.errors import DataError, quoted, reason
from mlestar.spec import did_you_mean

__all__ = [
    "SKLEARN",
    "check_encoding",
    "check_header",
    "check_rows",
    "column_names",
    "is_local",
    "kind_of",
    "opened",
    "opened_parquet",
    "sklearn_set",
]

SKLEARN = "sklearn:"
"""With which the URI of a data set begins that ships with scikit-learn."""

_SKLEARN_SETS = ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine")
_DELIMITERS = {
    "\t": "tabs? name the file .tsv",
    ";": "semicolons? convert it, in pandas: read_csv(path, sep=';', decimal=',').to_csv(path, index=False)",
    "|": "bars? convert it, in pandas: read_csv(path, sep='|').to_csv(path, index=False)",
}
_EXTRAS = {"gs": "gcs", "gcs": "gcs", "s3": "s3"}  # of this package, by the protocols that need them
_KINDS = {"csv": "csv", "tsv": "tsv", "parquet": "parquet", "pq": "parquet"}
_OTHER_CONTENTS = {
    b"\x1f\x8b": "compressed with gzip; name it .csv.gz",
    b"PK\x03\x04": "a zip archive, such as an Excel file; export it as CSV",
    b"PAR1": "a Parquet file; name it .parquet",
}
_LONGEST_FIELD = 1 << 30


def is_local(uri: str) -> bool:
    """Whether it is a file of this machine, which costs nothing to look at."""
    return not uri.startswith(SKLEARN) and get_protocol(uri) == "file"


def sklearn_set(uri: str) -> str:
    """The name of a data set that ships with scikit-learn.

    Raises
    ------
    DataError
        When there is none of this name.
    """
    name = uri.removeprefix(SKLEARN)
    if name not in _SKLEARN_SETS:
        known = f"; use one of {', '.join(SKLEARN + each for each in _SKLEARN_SETS)}"
        raise DataError(f"{uri}: no such data set{did_you_mean(name, _SKLEARN_SETS) or known}")
    return name


def column_names(uri: str) -> tuple[str, ...]:
    """The columns of a file, in its order, as :func:`~mlestar.data.sources.read_table` names them.

    No more is read than the header, and whether there is a row.

    Raises
    ------
    DataError
        When the file cannot be read, has no rows, or its header names no columns or one twice.
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
        raise DataError(f"{uri}: not a known kind of file; use .csv, .csv.gz, .tsv, .parquet or {SKLEARN}<name>")
    return kinds[-1]


@contextmanager
def opened(uri: str, mode: str = "rb", **options: Any) -> Iterator[IO[Any]]:
    """Open a file at a path or an fsspec URI; ``options`` are those of ``fsspec.open``.

    Raises
    ------
    DataError
        When it is absent, cannot be read, or is compressed and damaged.
    """
    try:
        file = fsspec.open(uri, mode, **options).open()
    except FileNotFoundError:
        raise DataError(f"{uri}: no such file; check the path") from None
    except IndexError:
        raise DataError(f"{uri}: is an empty archive; compress the file again") from None
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:  # the last of an encrypted archive
        because = getattr(error, "strerror", None) or reason(error)
        raise DataError(f"{uri}: cannot be read ({because}); name a file that can be read") from None
    except ImportError as error:  # the package for this protocol is not installed
        extra = _EXTRAS.get(get_protocol(uri))
        remedy = f"install it by pip install 'mlestar[{extra}]'" if extra else "install it, or use a local file"
        raise DataError(f"{uri}: needs a package that is not installed ({reason(error)}); {remedy}") from None
    except ValueError as error:  # an unknown protocol
        raise DataError(f"{uri}: {reason(error)}; use a local file, gs:// or s3://") from None
    except Exception as error:  # what the packages for remote files raise is their own
        if is_local(uri):
            raise
        raise DataError(f"{uri}: cannot be read ({reason(error)}); check the address and your credentials") from None
    with file:
        try:
            yield file
        except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            raise DataError(f"{uri}: cannot be read to its end ({reason(error)}); copy or compress it again") from None


def check_header(uri: str, delimiter: str) -> list[str]:
    """The fields of the first line; refuses a file in which it does not name the columns, or stands alone."""
    try:
        records = (record for _, record in _records(uri, delimiter))
        names, row = next(records, []), next(records, None)
    except UnicodeDecodeError:
        check_encoding(uri)
        raise
    if not names:
        raise DataError(f"{uri}: the file is empty; its first line must hold the column names")
    if any("\0" in name for name in names):
        raise DataError(f"{uri}:1: holds NUL bytes; if it is UTF-16, convert it: iconv -f utf-16 -t utf-8")
    likeliest = max(_DELIMITERS, key=names[0].count)
    if len(names) == 1 and likeliest in names[0]:
        raise DataError(f"{uri}:1: one column, {quoted(names[0])}; is it separated by {_DELIMITERS[likeliest]}")
    _check_distinct(f"{uri}:1", names)
    if row is None:
        check_rows(uri, delimiter)
        raise _no_rows(uri)
    return names


def check_rows(uri: str, delimiter: str) -> None:
    """Refuse a file in which a row has more or fewer fields than the header, or a quotation mark is left open."""
    begins, width = 1, 0
    try:
        for line, record in _records(uri, delimiter, strict=True):
            width = width or len(record)
            if len(record) != width:
                raise DataError(
                    f"{uri}:{line}: {len(record)} field(s) where the header has {width}; "
                    "complete the row, or quote the value that contains a delimiter"
                )
            begins = line + 1
    except UnicodeDecodeError:
        check_encoding(uri)
        raise
    except csv.Error as error:
        if "end of data" in str(error):  # other oddities of quoting are read as pandas reads them
            remedy = "close it, or double it where it belongs to the value"
            raise DataError(f"{uri}:{begins}: a quotation mark is left open in this row; {remedy}") from None


def _records(uri: str, delimiter: str, *, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file as text, without those that are blank, each with the line on which it ends."""
    csv.field_size_limit(_LONGEST_FIELD)
    with opened(uri, "rt", compression="infer", encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=strict)
        for record in reader:
            if len(record) > 1 or "".join(record).strip():  # as pandas skips blank lines
                yield reader.line_num, record


def check_encoding(uri: str) -> None:
    """Refuse a file that is not UTF-8, naming where."""
    with opened(uri, compression="infer") as file:
        for line, content in enumerate(file, 1):
            try:
                content.decode("utf-8")
            except UnicodeDecodeError as error:
                for start, what in _OTHER_CONTENTS.items():
                    if line == 1 and content.startswith(start):
                        raise DataError(f"{uri}: is {what}") from None
                is_utf16 = line == 1 and content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
                raise DataError(
                    f"{uri}:{line}: byte {error.start + 1} of the line (0x{content[error.start]:02x}) is not UTF-8; "
                    f"convert the file, for example: iconv -f {'utf-16' if is_utf16 else 'latin1'} -t utf-8"
                ) from None


@contextmanager
def opened_parquet(uri: str) -> Iterator[IO[bytes]]:
    """Open a Parquet file; refuses one in which the reader fails.

    Raises
    ------
    DataError
        Also when it cannot be opened.
    """
    from pyarrow import ArrowException  # what only a Parquet file needs

    with opened(uri) as file:
        try:
            yield file
        # The last three: what pandas noted of its columns is damaged, or from another program.
        except (ArrowException, ValueError, OSError, LookupError, TypeError, AttributeError) as error:
            raise DataError(f"{uri}: cannot be read as Parquet ({reason(error)}); write it again or use CSV") from None


def _parquet_names(uri: str) -> tuple[str, ...]:
    import pyarrow.parquet as pq

    with opened_parquet(uri) as file:
        metadata = pq.read_metadata(file)
        schema = metadata.schema.to_arrow_schema()
        index = (schema.pandas_metadata or {}).get("index_columns", ())  # of the table written; not read back
        names = tuple(str(name) for name in schema.names if name not in index)
    _check_distinct(uri, names)
    if not names or not metadata.num_rows:
        raise _no_rows(uri)
    return names


def _check_distinct(place: str, names: Sequence[str]) -> None:
    if repeated := [name for position, name in enumerate(names) if name in names[:position]]:
        raise DataError(f"{place}: column {quoted(repeated[0])} occurs twice; rename or remove one of them")


def _no_rows(uri: str) -> DataError:
    return DataError(f"{uri}: has a header but no rows; is this the right file?")
