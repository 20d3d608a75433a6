"""Digests: the names of content."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["RECIPES_OF_OTHERS", "digest", "file_digest", "library_digest", "modelling_versions"]

RECIPES_OF_OTHERS = "mlestar.recipes"
"""The group of entry points by which other distributions add recipes."""


def digest(content: Any) -> str:
    """SHA-256 (64 hexadecimal digits) of anything JSON can hold, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True, default=str).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_SOURCES = (".py", ".j2", ".html", ".css", ".js")
_APART = ("components", "pipelines", "specs")
_MODELLING = (
    *("numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "skrub"),
    *("lightgbm", "catboost", "xgboost", "xgboost-cpu"),  # the last is xgboost without CUDA
)


def modelling_versions() -> dict[str, str]:
    """The versions of Python and of the libraries that decide what a program computes; of those that are installed."""
    versions = {"python": platform.python_version()}
    for name in _MODELLING:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


@functools.cache
def library_digest() -> str:
    """SHA-256 over this library's source, its templates, added recipes, and the versions of the modelling libraries.

    Two equal digests run the same code, so that what a stage made under one may be reused under the other.
    Components and pipelines do not count, which lie inside the package only where it is installed from a wheel: an
    orchestrator sees their text in its own key.
    """
    root = Path(__file__).parent
    sources = {path.relative_to(root): path for path in root.rglob("*") if path.suffix in _SOURCES}
    counted = [name for name in sorted(sources) if name.parts[0] not in _APART]
    code = [[name.as_posix(), file_digest(sources[name])] for name in counted]
    found = (find_spec(each.module) for each in entry_points(group=RECIPES_OF_OTHERS))
    added = sorted(file_digest(Path(each.origin)) for each in found if each and each.origin)
    return digest([code, added, modelling_versions()])
