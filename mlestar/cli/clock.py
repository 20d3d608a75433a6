"""When this process started, which is when the budget of its run starts."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

__all__ = ["process_start"]

_IMPORTED = time.monotonic()
_LONGEST_START = 5.0  # seconds until the first imports: a shell that this process took the place of started before
_START_TIME = 19  # position of `starttime` behind the command in /proc/<pid>/stat, see proc(5)


def process_start() -> float:
    """The instant (``time.monotonic()``) at which this process started; outside Linux, that of its first imports."""
    if sys.platform != "linux":
        return _IMPORTED
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    since_boot = int(fields[_START_TIME]) / os.sysconf("SC_CLK_TCK")
    started = time.monotonic() - (time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot)
    return max(started, _IMPORTED - _LONGEST_START)
