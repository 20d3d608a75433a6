"""A private root: the server enters a user namespace and builds it once; every candidate moves into a copy of its own.

The server's view of the host becomes read-only on the way. Data files that are opened in it cannot be changed by
descriptor either, neither their content nor their mode or times, although the candidate runs as the user who owns them.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from pathlib import Path

from mlestar.evaluation._linux import call, system_call

__all__ = ["build_root", "detach", "enter_root", "remove_root"]

NEW_MOUNTS, NEW_CGROUPS, NEW_UTS, NEW_IPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEW_USERS, NEW_PROCESSES, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXECUTION, BIND, RECURSIVE, SLAVE = 1, 2, 4, 8, 4096, 16384, 1 << 19
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE = 442, -100, 0x8000
DETACH = 2
USER = 1000
SCRATCH = Path("/scratch")
"""The working directory of a candidate, inside; also /tmp, where nothing that Python needs is below it."""


def build_root(root: Path, readable: Iterable[Path], masked: Iterable[Path]) -> None:
    """Enter new user and mount namespaces, make all mounts read-only, and build at ``root`` what a candidate is to see.

    Parameters
    ----------
    root : Path
        An empty directory.
    readable : iterable of Path
        Files and directories that appear inside under their own names; symbolic links appear as such.
    masked : iterable of Path
        Directories below them that appear empty.

    Raises
    ------
    OSError
        When the kernel, or a policy of the machine, refuses one of the steps.
    """
    user, group = os.geteuid(), os.getegid()
    call("unshare", NEW_USERS | NEW_MOUNTS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{USER} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{USER} {group} 1")
    _mount(None, Path("/"), None, RECURSIVE | SLAVE)
    _set_read_only(Path("/"))
    _mount("tmpfs", root, "tmpfs", NO_SUID | NO_DEVICES, "size=4m,mode=755")
    for path in readable:
        _show(path, root)
    for path in masked:
        if (inside := _inside(root, path)).is_dir():
            _mount("tmpfs", inside, "tmpfs", READ_ONLY | NO_SUID | NO_DEVICES)
    for directory in ("proc", "dev", SCRATCH.name):
        _inside(root, Path("/") / directory).mkdir(exist_ok=True)
    if not (root / "tmp").exists():
        (root / "tmp").symlink_to(SCRATCH)
    (root / "dev" / "shm").symlink_to(SCRATCH)
    _set_read_only(root)


def remove_root(root: Path) -> None:
    """Unmount what :func:`build_root` built."""
    call("umount2", os.fsencode(root), DETACH)


def detach() -> None:
    """Have the next child of this process be the first of a new process namespace: all in it end when it ends."""
    call("unshare", NEW_PROCESSES)


def enter_root(root: Path, scratch_bytes: int) -> None:
    """Move into a private copy of the root that :func:`build_root` made, with empty scratch and without network.

    The process must be the first one after :func:`detach`.
    """
    call("unshare", NEW_MOUNTS | NEW_NETWORK | NEW_IPC | NEW_UTS | NEW_CGROUPS)
    _mount("proc", root / "proc", "proc", READ_ONLY | NO_SUID | NO_DEVICES | NO_EXECUTION)
    scratch = f"size={scratch_bytes},nr_inodes=65536,mode=700"
    _mount("tmpfs", _inside(root, SCRATCH), "tmpfs", NO_SUID | NO_DEVICES, scratch)
    # Stacked on the old root, which is then the one to unmount (pivot_root(2), NOTES).
    os.chdir(root)
    call("pivot_root", b".", b".")
    call("umount2", b".", DETACH)
    os.chdir(SCRATCH)


def _inside(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _show(path: Path, root: Path) -> None:
    inside = _inside(root, path)
    if inside.exists() or inside.is_symlink() or not path.exists():
        return
    inside.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        inside.symlink_to(os.readlink(path))
        return
    if path.is_dir():
        inside.mkdir()
    else:
        inside.touch()
    _mount(str(path), inside, None, BIND | RECURSIVE)


def _mount(source: str | None, target: Path, kind: str | None, flags: int, options: str | None = None) -> None:
    texts = [each.encode() if each is not None else None for each in (source, kind, options)]
    try:
        call("mount", texts[0], os.fsencode(target), texts[1], flags, texts[2])
    except OSError as error:
        raise OSError(error.errno, f"mount of {source or kind} on {target}: {os.strerror(error.errno or 0)}") from None


def _set_read_only(path: Path) -> None:
    # struct mount_attr: what to set, what to clear, propagation, user namespace
    attributes = struct.pack("QQQQ", READ_ONLY | NO_SUID, 0, 0, 0)
    system_call(MOUNT_SETATTR, AT_FDCWD, os.fsencode(path), AT_RECURSIVE, attributes, len(attributes))
