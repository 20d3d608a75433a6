"""The disk: where the runs go, and where temporary files do."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from mlestar.cli.diagnosis.finding import Finding

__all__ = ["folder_finding", "temporary_finding", "why_not_writable"]

_LEAST_FREE, _GOOD_FREE = 0.2e9, 2e9  # bytes


def folder_finding(out: Path) -> Finding:
    """The folder that the runs go to."""
    return _finding("runs", "Runs", out.absolute(), "name a folder that you can write to with --out")


def temporary_finding() -> Finding:
    """The folder for temporary files, which the processes of a run also meet in."""
    try:
        folder = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        return Finding("temporary", "Temporary", "fail", str(error), "name one by the environment variable TMPDIR")
    return _finding("temporary", "Temporary", folder, "name another one by the environment variable TMPDIR")


def why_not_writable(folder: Path) -> str:
    """Why no file can be written in a folder, or no such folder can be made; empty when it can."""
    existing = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"?")
    except OSError as error:
        return f"{existing}: {os.strerror(error.errno) if error.errno else error}"
    return ""


def _finding(name: str, title: str, folder: Path, remedy: str) -> Finding:
    if reason := why_not_writable(folder):
        return Finding(name, title, "fail", f"{folder} cannot be written to ({reason})", remedy)
    free = shutil.disk_usage(_existing(folder)).free
    found = f"{folder}, {free / 1e9:.1f} GB free"
    if free < _LEAST_FREE:
        return Finding(name, title, "fail", f"{found}: a run needs more", f"free some, or {remedy}")
    if free < _GOOD_FREE:
        return Finding(name, title, "warn", f"{found}: enough for small tables only", f"free some, or {remedy}")
    return Finding(name, title, "ok", found)


def _existing(folder: Path) -> Path:
    """The folder, or the innermost one around it that is there."""
    return next(path for path in (folder, *folder.parents) if os.path.exists(path))  # False, too, where it is hidden
