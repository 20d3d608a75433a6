"""Landlock: a process gives up, for itself and its descendants, all of the file system but the paths that it names.

See https://docs.kernel.org/userspace-api/landlock.html. Descriptors that are open already stay usable.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from mlestar.evaluation._linux import PR_SET_NO_NEW_PRIVS, prctl, system_call

__all__ = ["restrict", "scopes_signals"]

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG, RULE_PATH_BENEATH = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
TRUNCATE, IOCTL_DEVICE = 1 << 14, 1 << 15
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEVICE
RIGHTS_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
TCP_BY_ABI = {4: 0b11}  # bind and connect
SCOPES_BY_ABI = {6: 0b11}  # abstract Unix sockets and signals
PROC = tuple(map(Path, ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/kernel")))


def scopes_signals() -> bool:
    """Whether this kernel's Landlock also keeps signals inside (Linux 6.12).

    Raises
    ------
    OSError
        When the kernel has no Landlock, or does not let this process use it.
    """
    return bool(_newest(SCOPES_BY_ABI, _version()))


def restrict(readable: Iterable[Path], listable: Iterable[Path], writable: Iterable[Path]) -> None:
    """Give up all other access to files, and to TCP and processes outside; what is not there is left out.

    Parameters
    ----------
    readable : iterable of Path
        Files, and directories with all that is below them, to read and execute.
    listable : iterable of Path
        Directories in which, and below which, names may be seen.
    writable : iterable of Path
        Files, and directories with all that is below them, to do anything with.

    Raises
    ------
    OSError
        When the kernel has no Landlock, or does not let this process use it.
    """
    version = _version()
    rights, tcp, scopes = (_newest(table, version) for table in (RIGHTS_BY_ABI, TCP_BY_ABI, SCOPES_BY_ABI))
    attributes = struct.pack("QQQ", rights, tcp, scopes)
    ruleset = system_call(CREATE_RULESET, attributes, len(attributes) if scopes else 16 if tcp else 8, 0)
    try:
        for path in (*readable, *PROC):
            _allow(ruleset, path, EXECUTE | READ_FILE | READ_DIR)
        for path in listable:
            _allow(ruleset, path, READ_DIR)
        for path in writable:
            _allow(ruleset, path, rights)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        system_call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _version() -> int:
    return system_call(CREATE_RULESET, None, 0, VERSION_FLAG)


def _newest(table: dict[int, int], version: int) -> int:
    return next((value for since, value in sorted(table.items(), reverse=True) if since <= version), 0)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fitting = rights if path.is_dir() else rights & FILE_RIGHTS
        rule = ctypes.create_string_buffer(struct.pack("=Qi", fitting, descriptor))
        system_call(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.addressof(rule), 0)
    finally:
        os.close(descriptor)
