"""A candidate's directory on disk: measured and removed, whatever the candidate has made of it."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

__all__ = ["files_mb", "remove_tree"]

_MOST_FILES = 65536  # more are not looked for: counting them must not keep a supervisor busy


def files_mb(directory: Path) -> float:
    """What the files below a directory take of the disk, in MB of 10^6 bytes.

    Files that were unlinked and are still held open are not seen. Infinite where there are too many files, or
    directories that cannot be listed.
    """
    size, count, waiting = 0, 0, [str(directory)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    count += 1
                    if count > _MOST_FILES:
                        return float("inf")
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
        except FileNotFoundError:  # it is at work meanwhile
            continue
        except OSError:  # no permission, or a path that is too long
            return float("inf")
    return size / 1e6


def remove_tree(directory: Path) -> None:
    """Remove a directory, also where it is deeper than a path may be long or holds directories without permissions.

    What a directory holds is moved up before the directory is removed, so that nothing is ever deep.
    """
    while entries := list(os.scandir(directory)):
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                continue
            os.chmod(entry.path, 0o700)
            for child in list(os.scandir(entry.path)):
                if child.is_dir(follow_symlinks=False):
                    os.chmod(child.path, 0o700)  # moving it changes its entry for the directory above
                    os.rename(child.path, directory / uuid.uuid4().hex)
                else:
                    os.unlink(child.path)
            os.rmdir(entry.path)
    os.rmdir(directory)
