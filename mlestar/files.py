"""Reading and writing the JSON files that stages exchange."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from mlestar.errors import DataError

__all__ = ["SCHEMA_VERSION", "read_json", "write_bytes", "write_json"]

SCHEMA_VERSION = 1


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` so that ``path`` holds all of it or is unchanged, even when the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
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
