"""Ctrl-C: once ends a run early with the best so far, twice stops it at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["ending_on_interrupt"]


@contextmanager
def ending_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Hold the first interrupt back; the function that is given says whether there was one.

    The second raises KeyboardInterrupt. Those after it are ignored until the process ends, so that what was started is
    ended in peace.
    """
    interrupted = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            raise KeyboardInterrupt
        interrupted = True

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield lambda: interrupted
    finally:
        if signal.getsignal(signal.SIGINT) is interrupt:
            signal.signal(signal.SIGINT, before)
