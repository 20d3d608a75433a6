"""The kernel calls of the sandbox that Python has no function for, by ctypes."""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path

__all__ = [
    "PR_SET_CHILD_SUBREAPER",
    "PR_SET_DUMPABLE",
    "PR_SET_NO_NEW_PRIVS",
    "PR_SET_PDEATHSIG",
    "call",
    "die_with_parent",
    "drop_capabilities",
    "prctl",
    "system_call",
]

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
CAPABILITY_VERSION_3 = 0x20080522

_LIBC = ctypes.CDLL(None, use_errno=True)


def call(function: str, *arguments: int | bytes | None) -> int:
    """Call a function of the C library.

    Raises
    ------
    OSError
        When it returns a negative number.
    """
    native = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(getattr(_LIBC, function)(*native))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")
    return result


def system_call(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call that the C library has no function for."""
    return call("syscall", number, *arguments)


def prctl(operation: int, *arguments: int) -> int:
    """prctl(2); all five arguments are passed, as newer operations demand."""
    return call("prctl", operation, *arguments, *[0] * (4 - len(arguments)))


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process a signal when the thread that forked it ends."""
    prctl(PR_SET_PDEATHSIG, signal_number)


def drop_capabilities() -> None:
    """Give up every capability, and the ways to get one back."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    try:
        for capability in range(last + 1):
            prctl(PR_CAPBSET_DROP, capability)
    except PermissionError:
        pass  # an ordinary user has none to lose, and gains none where there are no new privileges
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    call("capset", struct.pack("Ii", CAPABILITY_VERSION_3, 0), bytes(24))
