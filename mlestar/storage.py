"""Folders and buckets of small files, named by a path or by any URI that fsspec knows."""

from __future__ import annotations

from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from mlestar.errors import MlestarError, StorageError
from mlestar.files import storage_error, write_bytes

__all__ = ["Storage"]


class Storage:
    """Files by their names. Several processes may use it at once; a file appears whole or not at all.

    Parameters
    ----------
    uri : str
        A local path or any URI that fsspec knows, such as ``gs://bucket/evaluations``.
    what : str
        What people call it, such as ``"the evaluation store"``.
    remedy : str
        What to do when it cannot be reached.
    """

    def __init__(self, uri: str, *, what: str, remedy: str) -> None:
        self.uri, self._what, self._remedy = uri, what, remedy
        try:
            self._filesystem, self._root = fsspec.core.url_to_fs(uri)
        except (ImportError, ValueError) as error:  # no library for this kind of place
            raise self._unreachable(error) from error

    def read(self, name: str) -> bytes | None:
        """The content of a file; None when there is none.

        Raises
        ------
        StorageError
            When the storage cannot be reached; so do the other methods.
        """
        try:
            content: bytes = self._filesystem.cat_file(self.path(name))
        except FileNotFoundError:
            return None
        except Exception as error:  # of an operating system, or of any cloud's library
            raise self._unreachable(error) from error
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file in place of what was there."""
        try:
            if isinstance(self._filesystem, LocalFileSystem):
                write_bytes(Path(self.path(name)), content)
            else:
                self._filesystem.pipe_file(self.path(name), content)  # buckets show an object when all of it is there
        except MlestarError:
            raise
        except Exception as error:
            raise self._unreachable(error) from error

    def names(self) -> list[str]:
        """The names of the files in it, sorted; none where it is not there yet."""
        try:
            self._filesystem.invalidate_cache(self._root)
            found = (each.rpartition("/")[2] for each in self._filesystem.ls(self._root, detail=False))
            return sorted(name for name in found if not name.startswith("."))  # those are being written
        except FileNotFoundError:
            return []
        except Exception as error:
            raise self._unreachable(error) from error

    def path(self, name: str) -> str:
        """The place of a file."""
        return f"{self._root}/{name}"

    def _unreachable(self, error: Exception) -> StorageError:
        known = storage_error(error, self.uri) if isinstance(error, OSError) else None
        return known or StorageError(
            f"{self.uri}: {self._what} cannot be reached ({type(error).__name__}: {error}); {self._remedy}"
        )
