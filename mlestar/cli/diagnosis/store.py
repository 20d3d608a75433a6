"""The evaluation store: whether it can be reached, written and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

from mlestar.cli.diagnosis.disk import why_not_writable
from mlestar.cli.diagnosis.finding import Finding

__all__ = ["store_finding"]

_CONTENT = b"written by mlestar doctor; can be removed"


def store_finding(uri: str | None) -> Finding:
    """Write an object to the store, read and remove it; of a folder, whether that is possible.

    Parameters
    ----------
    uri
        A directory or a bucket URI; by default the store is in the folder of a run.
    """
    if uri is None:
        return Finding("store", "Store", "ok", "in the folder of the run; --store URI tries another one")
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    from mlestar.spec import resolve_uri

    try:
        filesystem, root = fsspec.core.url_to_fs(resolve_uri(uri, Path()))
        if isinstance(filesystem, LocalFileSystem):
            reason = why_not_writable(Path(root))
        else:
            reason = _why_not_usable(filesystem, f"{root}/mlestar-doctor-{uuid4().hex}")
    except Exception as error:  # every file system has errors of its own, and so has every package for one
        reason = " ".join(str(error).split()) or type(error).__name__
    if reason:
        remedy = "check its name, your credentials and the network, or name another one with --store"
        return Finding("store", "Store", "fail", f"{uri} cannot be used ({reason})", remedy)
    return Finding("store", "Store", "ok", f"{uri} can be written and read")


def _why_not_usable(filesystem: Any, path: str) -> str:
    filesystem.pipe_file(path, _CONTENT)
    try:
        read = filesystem.cat_file(path)
    finally:
        filesystem.rm_file(path)
    return "" if read == _CONTENT else "it returned something else than was written"
