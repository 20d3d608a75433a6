"""A seccomp filter: the system calls that a candidate has no use for, or could use to reach past its sandbox.

A deny list in classic BPF (seccomp(2), linux/filter.h). It complements namespaces or Landlock, and alone protects
nothing. What is denied fails with "operation not permitted"; libraries that probe for it carry on.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

from mlestar.evaluation._linux import PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, prctl

__all__ = ["deny_system_calls"]

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
LOAD, JUMP_EQUAL, JUMP_GREATER_EQUAL, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, ERROR, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; an argument has eight bytes
CLONE_NEWUSER = 0x10000000
X32_BIT = 0x40000000  # a second numbering of the calls on x86_64, which would pass the list by

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# System call numbers (x86_64, aarch64); None where the architecture lacks the call.
Numbers = dict[str, tuple[int | None, int | None]]
_ESCAPES: Numbers = {  # network, other processes, new namespaces, wide attack surface
    "socket": (41, 198),
    "io_uring_setup": (425, 425),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
}
_SHARED_STATE: Numbers = {  # outlives a candidate, or holds memory that no process is charged for
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
}
_FILE_METADATA: Numbers = {  # an owner may change it by a descriptor open for reading, and Landlock does not guard it
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}
_PRIORITIES: Numbers = {  # may be set for all processes of a user
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
}
_OF_A_PROCESS = {  # whose first argument is 0 for the caller, or any other process of the user
    "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
}
_SIGNALS: Numbers = {
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
}
_CLONE, _CLONE3, _PRCTL, _FCNTL, _IOCTL = (56, 220), (435, 435), (157, 167), (72, 25), (16, 29)
_F_SETLEASE = 1024  # on a file of the data, by which whoever opens it next would have to wait
# By which a descriptor sends its signals to any process.
_OWNER_COMMANDS = {_FCNTL: (8, 15), _IOCTL: (0x8901, 0x8902)}  # F_SETOWN, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP


def _instruction(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, operand)


def deny_system_calls(*, own_namespaces: bool, signals: bool) -> None:
    """Deny this process and its descendants, for good, the calls listed in this module.

    Parameters
    ----------
    own_namespaces : bool
        Whether namespaces hide the files and the processes of the user; otherwise changes of file modes, times and
        attributes, and of the limits and priorities of other processes, are denied, too.
    signals : bool
        Whether to deny sending signals.

    Raises
    ------
    OSError
        When the kernel has no seccomp, or the machine is neither x86_64 nor aarch64.
    """
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no system call numbers for {machine}")
    column = list(ARCHITECTURES).index(machine)
    denied = _ESCAPES | _SHARED_STATE | (_SIGNALS if signals else {})
    if not own_namespaces:
        denied |= _FILE_METADATA | _PRIORITIES
    program = [
        _instruction(LOAD, ARCHITECTURE),
        _instruction(JUMP_EQUAL, ARCHITECTURES[machine], if_true=1),
        _instruction(RETURN, KILL_PROCESS),
        _instruction(LOAD, NUMBER),
        _instruction(JUMP_GREATER_EQUAL, X32_BIT, if_false=1),
        _instruction(RETURN, ERROR | errno.EPERM),
        # The flags of clone3 are out of a filter's reach; told that there is none, the C library uses clone.
        _instruction(JUMP_EQUAL, _CLONE3[column], if_false=1),
        _instruction(RETURN, ERROR | errno.ENOSYS),
        *_deny_argument(_CLONE[column], JUMP_ANY_BIT, CLONE_NEWUSER),
        *_deny_argument(_PRCTL[column], JUMP_EQUAL, PR_SET_PDEATHSIG),
        *_deny_argument(_FCNTL[column], JUMP_EQUAL, _F_SETLEASE, argument=1),
    ]
    if not own_namespaces:
        for of_a_process in _OF_A_PROCESS.values():
            program += _deny_argument(of_a_process[column], JUMP_EQUAL, 0, unless=True)
    if signals:
        for call, commands in _OWNER_COMMANDS.items():
            for command in commands:
                program += _deny_argument(call[column], JUMP_EQUAL, command, argument=1)
    for numbers in denied.values():
        number = numbers[column]
        if number is not None:
            program += [_instruction(JUMP_EQUAL, number, if_false=1), _instruction(RETURN, ERROR | errno.EPERM)]
    program.append(_instruction(RETURN, ALLOW))
    code = ctypes.create_string_buffer(b"".join(program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(header))


def _deny_argument(number: int, comparison: int, value: int, *, argument: int = 0, unless: bool = False) -> list[bytes]:
    """Deny a call if, or unless, the lower half of an argument compares to a value."""
    return [
        _instruction(JUMP_EQUAL, number, if_false=4),
        _instruction(LOAD, ARGUMENTS + 8 * argument),
        _instruction(comparison, value, if_true=int(unless), if_false=int(not unless)),
        _instruction(RETURN, ERROR | errno.EPERM),
        _instruction(LOAD, NUMBER),
    ]
