"""What the control groups of Linux, and so a container, allow this process to use.

See admin-guide/cgroup-v2, admin-guide/cgroup-v1/memory and scheduler/sched-bwc at https://docs.kernel.org.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["cpu_limit", "memory_left"]

_ROOT = Path("/")
_MEMORY_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
_UNLIMITED = 1 << 60  # bytes; version 1 has no word for it, but a number that no machine reaches


def cpu_limit(root: Path = _ROOT) -> float | None:
    """How many cores' time this process, and those that share its groups, may use at once; None when not limited."""
    limits = []
    for group in _groups("cpu", root):
        both = _numbers(group / "cpu.max") or [
            *_numbers(group / "cpu.cfs_quota_us"),
            *_numbers(group / "cpu.cfs_period_us"),
        ]
        if len(both) == 2 and both[0] > 0:  # -1 is no limit
            limits.append(both[0] / both[1])
    return min(limits, default=None)


def memory_left(root: Path = _ROOT) -> float | None:
    """Bytes that this process, and those that share its groups, may still use; None when not limited.

    Cached files count as usage in the files of the kernel; what of them nobody has used lately is free for others.
    """
    left = []
    for group in _groups("memory", root):
        for limit, usage, cache in _MEMORY_FILES:
            most, used = _numbers(group / limit), _numbers(group / usage)
            if most and most[0] < _UNLIMITED:
                left.append(most[0] - max(sum(used) - _statistic(group / "memory.stat", cache), 0.0))
    return min(left, default=None)


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """The folders of the groups that this process is in and that have files for the controller, the innermost first.

    Seen from inside a container, the names of its groups may be those outside, while its own is mounted as the root.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / controllers
        group = top / path.strip("/")
        yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(top))


def _statistic(file: Path, name: str) -> float:
    """A line of ``memory.stat``; zero when it is not there."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0.0)


def _numbers(file: Path) -> list[float]:
    """The numbers in a file; none when it is not there, or says that there is no limit."""
    try:
        words = file.read_text().split()
    except OSError:
        return []
    return [] if "max" in words else [float(word) for word in words]
