"""Digests: the names of content."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

__all__ = ["digest", "file_digest", "library_digest"]


def digest(content: Any) -> str:
    """SHA-256 (64 hexadecimal digits) of anything JSON can hold, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True, default=str).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_SOURCES = (".py", ".j2", ".html", ".css", ".js")
_APART = ("components", "pipelines", "specs")


@functools.cache
def library_digest() -> str:
    """SHA-256 over the source of this library, templates included: two equal digests run the same code.

    Components and pipelines do not count, which lie inside the package only where it is installed from a wheel: an
    orchestrator sees their text in its own key.
    """
    root = Path(__file__).parent
    sources = {path.relative_to(root): path for path in root.rglob("*") if path.suffix in _SOURCES}
    return digest(
        [[name.as_posix(), file_digest(path)] for name, path in sorted(sources.items()) if name.parts[0] not in _APART]
    )
