"""Model files that are equal where the models are.

skops names the parts of a file by their addresses in memory, or at random, and the archive notes when each was written.
Here they are numbered in the order in which they appear, and dated alike.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

__all__ = ["copy_canonical"]

_SCHEMA = "schema.json"
_LOCAL_HEADER = 30  # bytes, of which the last four are the lengths of a name and of an extra field, which follow
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that an archive can hold


def copy_canonical(source: Path, target: BinaryIO) -> None:
    """Copy a file that skops wrote, with names and dates that depend on nothing but the model.

    Compressed parts are copied as they are, so that this takes little more than reading the file.

    Parameters
    ----------
    source : Path
    target : binary file
        Where to, from its beginning.
    """
    with ZipFile(source) as old, ZipFile(target, "w") as new:
        schema = json.loads(old.read(_SCHEMA))
        names = _number(schema, set(old.namelist()))
        for name, canonical in names.items():
            _copy_part(old, old.getinfo(name), new, ZipInfo(canonical, _DATE))
        entry = ZipInfo(_SCHEMA, _DATE)
        entry.compress_type = ZIP_DEFLATED
        new.writestr(entry, json.dumps(schema))


def _number(schema: dict[str, Any], parts: set[str]) -> dict[str, str]:
    """Number the objects of a schema and the parts that it refers to, in place; the parts' new names by their old."""
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}
    pending: list[Any] = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if isinstance(number := node.get("__id__"), int):
                node["__id__"] = numbers.setdefault(number, len(numbers) + 1)
            if isinstance(name := node.get("file"), str) and name in parts:
                node["file"] = names.setdefault(name, f"{len(names) + 1}{Path(name).suffix}")
        if isinstance(node, dict | list):
            pending += node.values() if isinstance(node, dict) else node
    return names


def _copy_part(old: ZipFile, part: ZipInfo, new: ZipFile, entry: ZipInfo) -> None:
    """Copy a part of an archive without unpacking it."""
    assert old.fp is not None
    assert new.fp is not None
    old.fp.seek(part.header_offset)
    name, extra = struct.unpack("<HH", old.fp.read(_LOCAL_HEADER)[-4:])
    old.fp.seek(name + extra, 1)
    content = old.fp.read(part.compress_size)
    entry.compress_type, entry.CRC = part.compress_type, part.CRC
    entry.compress_size, entry.file_size, entry.header_offset = part.compress_size, part.file_size, new.fp.tell()
    new.fp.write(entry.FileHeader())
    new.fp.write(content)
    new.filelist.append(entry)
    new.NameToInfo[entry.filename] = entry
    new.start_dir = new.fp.tell()
