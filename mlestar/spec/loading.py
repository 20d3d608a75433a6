"""Reading a scope spec."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from mlestar.errors import SpecError
from mlestar.spec.document import read_mapping
from mlestar.spec.models import Auxiliary, Scope
from mlestar.spec.overrides import apply_overrides
from mlestar.spec.problems import explain
from mlestar.spec.source import Source
from mlestar.spec.suggestions import did_you_mean_file

__all__ = ["Loaded", "load_scope", "parse_scope", "resolve_uri"]

_TABLES = (".csv", ".tsv", ".parquet", ".pq")
_MOST_BYTES = 120_000  # of one argument of a process, as KFP hands the spec over: Linux allows 131,072
_URIS = {"data": ("train", "test"), "pipeline": ("block_library", "warm_start")}  # fields of the sections


@dataclass(frozen=True)
class Loaded:
    """A valid scope, and where its fields stand for errors that only later layers can find."""

    scope: Scope
    source: Source


def load_scope(path: str | Path, overrides: Sequence[str] = ()) -> Loaded:
    """Read a spec file, and make its URIs independent of where it stands.

    Parameters
    ----------
    path
        YAML or JSON file.
    overrides
        ``a.b=value`` each, the value in YAML, the later one winning. A relative path in an override is relative
        to the current directory, where the shell completes it; in the file, to the file's folder.

    Raises
    ------
    SpecError
        One line per mistake: ``file:line: field: what is wrong; remedy``.
    """
    path = Path(path)
    if path.name.lower().removesuffix(".gz").endswith(_TABLES):
        raise SpecError(f"{path}: is a table, not a scope spec; `mlestar init {path} --target COLUMN` writes one")
    loaded = parse_scope(_read(path), str(path), overrides)
    sections: dict[str, BaseModel] = {}
    for name, fields in _URIS.items():
        section = getattr(loaded.scope, name)
        uris = {
            field: resolve_uri(uri, Path() if loaded.source.overridden(f"{name}.{field}") else path.parent)
            for field in fields
            if (uri := getattr(section, field)) is not None
        }
        sections[name] = section.model_copy(update=uris)
    sections["data"] = sections["data"].model_copy(update={"auxiliary": _resolved_tables(loaded, path.parent)})
    scope = loaded.scope.model_copy(update=sections)
    if (length := len(json.dumps(scope.to_json()))) > _MOST_BYTES:
        too_long = f"{path}: comes to {length:,} bytes of JSON, and a pipeline takes at most {_MOST_BYTES:,}"
        raise SpecError(f"{too_long}; take columns that are not wanted out of the table instead of listing them")
    return Loaded(scope, loaded.source)


def parse_scope(text: str, name: str = Source.name, overrides: Sequence[str] = ()) -> Loaded:
    """Read the text of a spec, YAML or JSON; URIs stay as they are.

    Parameters
    ----------
    text
        What a spec file holds, or what :meth:`Scope.to_json` gave.
    name
        What errors call the text.
    overrides
        As for :func:`load_scope`.

    Raises
    ------
    SpecError
        One line per mistake.
    """
    content, lines = read_mapping(text, name)
    source = apply_overrides(content, Source(name, lines), overrides)
    try:
        return Loaded(Scope.model_validate(content), source)
    except ValidationError as error:
        raise explain(error, content, source) from None


def resolve_uri(uri: str, base: str | Path) -> str:
    """Make a relative path absolute; leave URIs (``gs://...``, ``sklearn:...``) and absolute paths alone.

    Parameters
    ----------
    uri
        Path or URI.
    base
        Folder that a relative path is relative to, whether or not a file is there.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", uri):
        return uri
    return os.path.abspath(Path(base) / uri) if not os.path.isabs(uri) else uri


def _resolved_tables(loaded: Loaded, folder: Path) -> dict[str, Auxiliary]:
    """The auxiliary tables, their URIs independent of where the spec stands."""
    found = {}
    for name, table in loaded.scope.data.auxiliary.items():
        base = Path() if loaded.source.overridden(f"data.auxiliary.{name}.uri") else folder
        found[name] = table.model_copy(update={"uri": resolve_uri(table.uri, base)})
    return found


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise SpecError(f"{path}: no such file{did_you_mean_file(path)}") from None
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror}); give the path of a readable YAML file") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise SpecError(f"{path}:{line}: the byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") from None
