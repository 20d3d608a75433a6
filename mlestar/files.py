"""Reading and writing the files that stages exchange, and what to say when that is refused."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from mlestar.errors import DataError, StorageError

__all__ = ["SCHEMA_VERSION", "read_json", "storage_error", "telling_storage_errors", "write_bytes", "write_json"]

SCHEMA_VERSION = 1

_REMEDIES = {
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EROFS: "make it writable, or name another place",
    errno.EACCES: "make it writable, or name another place",
    errno.EPERM: "make it writable, or name another place",
    errno.EEXIST: "let it be a folder, or name another place",
    errno.EISDIR: "name a file",
    errno.ENOTDIR: "let it be a folder, or name another place",
    errno.EIO: "see that the disk is well",
    errno.ESTALE: "see that it is mounted",
    errno.ENOTCONN: "see that it is mounted",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "raise the limit on open files (sysctl fs.file-max)",
}


def storage_error(error: OSError, place: str | Path | None = None) -> StorageError | None:
    """What to tell the user about an error of the file system; None when it is not one that a user can mend.

    Parameters
    ----------
    error : OSError
    place : str or Path, optional
        What could not be read or written, where the error does not say it.
    """
    if error.errno not in _REMEDIES:
        return None
    where = place or error.filename or "the disk"
    reason, remedy = os.strerror(error.errno), _REMEDIES[error.errno]
    return StorageError(f"{where}: {reason}; {remedy} and run the same command again: it goes on where it was")


@contextmanager
def telling_storage_errors(place: str | Path | None = None) -> Iterator[None]:
    """Raise errors of the file system that a user can mend as :class:`StorageError`."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, place) or error from None


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` so that ``path`` holds all of it or is unchanged, even when the process dies.

    Raises
    ------
    StorageError
        When there is no room, or no leave to write.
    """
    with telling_storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
        try:
            with beside.open("xb") as file:
                file.write(content)
            os.replace(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write ``content`` with the schema version, atomically, in a form that is the same for the same content."""
    document = {"schema_version": SCHEMA_VERSION, **content}
    write_bytes(path, (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a file written by :func:`write_json`.

    Raises
    ------
    DataError
        When the file is absent or was written by another version of the format.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: not found; is this the output of the stage before?") from None
    if document.get("schema_version") != SCHEMA_VERSION:
        raise DataError(
            f"{path}: schema_version is {document.get('schema_version')!r}, this version reads {SCHEMA_VERSION}; "
            "run the stage that wrote it again"
        )
    return document
