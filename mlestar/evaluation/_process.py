"""The candidate process as its supervisor holds it: started, measured and ended from outside."""

from __future__ import annotations

import itertools
import os
import re
import signal
import socket
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from mlestar.evaluation import candidate
from mlestar.evaluation._linux import PR_SET_CHILD_SUBREAPER, PR_SET_DUMPABLE, die_with_parent, prctl
from mlestar.evaluation._packets import receive
from mlestar.evaluation.sandbox import Sandbox

__all__ = ["MOST_PROCESSES", "MOST_THREADS", "CandidateProcess", "fork"]

MOST_PROCESSES = 64
"""Of one candidate. More are not looked for: a process that forks without end must not keep its supervisor busy."""

MOST_THREADS = 1000
"""Of one candidate, its processes' together: the threads of a machine, or of a container, are few."""

_OUTPUT_KEPT, _OUTPUT_TOLD = 1 << 16, 4096  # bytes, characters
_EXTENSION_MODULES = re.compile(r"^Extension modules: .*$", re.MULTILINE)  # faulthandler ends with all 200 of them
_CHANNEL = 3  # its descriptor in the candidate, after standard input, output and error
_SECONDS_TO_END = 1.0
_SECONDS_TO_FORK = 10.0


def fork() -> int:
    """os.fork(), which waits where the machine has no process left: a candidate that took them all is soon stopped.

    Raises
    ------
    OSError
        When there is still none after some seconds.
    """
    patience = time.monotonic() + _SECONDS_TO_FORK
    while True:
        try:
            return os.fork()
        except OSError:
            if time.monotonic() > patience:
                raise
            time.sleep(_SECONDS_TO_FORK / 1000)


class CandidateProcess:
    """A forked process in its sandbox, which waits for its first request.

    Parameters
    ----------
    sandbox : Sandbox
    scratch : Path
        From :meth:`Sandbox.scratch`.

    Attributes
    ----------
    channel : socket
        For requests and replies.
    output : int or None
        A descriptor that is readable when there is something for :meth:`read_output`; None when there will be no more.

    Raises
    ------
    ChildProcessError
        When the process cannot enter the sandbox; the message says why.
    """

    def __init__(self, sandbox: Sandbox, scratch: Path) -> None:
        self._sandbox, self._scratch = sandbox, scratch
        prctl(PR_SET_CHILD_SUBREAPER, 1)  # without a process namespace, orphans of the candidate come here to be found
        self._inherited_mb = _anonymous_mb(os.getpid())
        self._written = b""
        self._status: int | None = None
        reading_end, writing_end = os.pipe()
        os.set_blocking(reading_end, False)
        self.output: int | None = reading_end
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sandbox.detach()
        self._pid = fork()
        if self._pid == 0:
            _become_candidate(sandbox, scratch, theirs.fileno(), writing_end)
        os.close(writing_end)
        theirs.close()
        try:
            _, (self._directory,) = receive(self.channel)  # before any of the program has run
        except EOFError:
            ending, *written = self.ending(), *self.last_output().splitlines()[-1:]
            raise ChildProcessError(": ".join(["the candidate cannot be started", ending, *written])) from None

    def read_output(self) -> None:
        """Take what the process has written, and keep the end of it."""
        if self.output is None:
            return
        with suppress(BlockingIOError):
            new = os.read(self.output, 1 << 20)
            self._written = (self._written + new)[-_OUTPUT_KEPT:]
            if not new:
                self.output = None

    def family(self) -> list[int]:
        """The process and its descendants, as far as they are still there; at most one more than allowed."""
        return _descendants(MOST_PROCESSES + 1)

    @staticmethod
    def threads(family: list[int]) -> int:
        """How many threads a family has."""
        return sum(map(_thread_count, family))

    def used_mb(self, family: list[int], limit_mb: float) -> float:
        """Anonymous and shared memory of a family beyond what was inherited, in MB of 10^6 bytes.

        Pages that several processes share count for each, unless that exceeds the limit: then they are divided, which
        takes longer to find out.
        """
        used = sum(max(0.0, _anonymous_mb(pid) - self._inherited_mb) for pid in family)
        return used if used <= limit_mb or len(family) == 1 else sum(map(_proportional_mb, family))

    def written_mb(self) -> float:
        """What lies in the scratch directory, in MB of 10^6 bytes."""
        return self._sandbox.written_mb(self._scratch, self._directory)

    def has_ended(self) -> bool:
        """Whether the process is gone; its descendants may still be there."""
        if self._status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            self._status = status if pid else None
        return self._status is not None

    def ending(self) -> str:
        """How the process ended."""
        patience = time.monotonic() + _SECONDS_TO_END
        while not self.has_ended():
            if time.monotonic() > patience:
                return "the candidate closed its channel"
            time.sleep(_SECONDS_TO_END / 1000)
        code = os.waitstatus_to_exitcode(self._status or 0)
        return f"killed by {_signal_name(-code)}" if code < 0 else f"exited with code {code}"

    def last_output(self) -> str:
        """The end of what the process has written."""
        self.read_output()
        return _EXTENSION_MODULES.sub("", self._written.decode(errors="replace")).strip()[-_OUTPUT_TOLD:]

    @property
    def was_killed(self) -> bool:
        """Whether SIGKILL ended it; the kernel sends it to the largest process when memory runs out."""
        return self._status is not None and os.WIFSIGNALED(self._status) and os.WTERMSIG(self._status) == signal.SIGKILL

    def end(self) -> None:
        """Kill the process and all its descendants, and wait until they are gone."""
        family = [self._pid]  # with a process namespace, this is all of it
        while True:
            for pid in family:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            try:
                pid, status = os.waitpid(-1, 0)
                while pid:  # then all that have ended meanwhile: there may be hundreds, which take time to look for
                    if pid == self._pid:
                        self._status = status
                    pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            family = _descendants()


def _become_candidate(sandbox: Sandbox, scratch: Path, channel: int, output: int) -> NoReturn:
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        die_with_parent(signal.SIGKILL)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(channel, _CHANNEL)
        os.closerange(_CHANNEL + 1, 1 << 20)
        sandbox.enter(scratch)
        prctl(PR_SET_DUMPABLE, 1)  # for the supervisor to measure it; the server and the supervisor themselves are not
        candidate.serve(socket.socket(fileno=_CHANNEL), scratch)
    except EOFError:
        os._exit(0)
    except BaseException:
        traceback.print_exc()  # into what the program has made of standard error
    finally:
        os._exit(1)  # this process must not return


def _descendants(most: int | None = None) -> list[int]:
    """Children of this process, then theirs, and so on."""
    found: list[int] = []
    for parent in itertools.chain([os.getpid()], found):
        with suppress(OSError):  # it ended
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        if most and len(found) >= most:
            break
    return found[:most]


def _thread_count(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}/task").st_nlink - 2  # a directory has two links, and one for each in it
    except OSError:  # it ended
        return 0


def _signal_name(number: int) -> str:
    try:
        return f"{signal.Signals(number).name} ({(signal.strsignal(number) or '').lower()})"
    except ValueError:  # most real-time signals have none
        return f"signal {number}"


def _table_mb(path: str, names: tuple[str, ...]) -> float:
    """The sum of some lines of a table in /proc, in MB of 10^6 bytes."""
    with open(path, errors="replace") as lines:  # a process may give itself a name that is no text
        return sum(int(line.split()[1]) for line in lines if line.startswith(names)) * 1024 / 1e6


def _anonymous_mb(pid: int) -> float:
    try:
        return _table_mb(f"/proc/{pid}/status", ("RssAnon:", "RssShmem:"))
    except OSError:  # it ended
        return 0.0


def _proportional_mb(pid: int) -> float:
    try:
        return _table_mb(f"/proc/{pid}/smaps_rollup", ("Pss_Anon:", "Pss_Shmem:"))
    except OSError:  # it ended, or does not let itself be looked at
        return _anonymous_mb(pid)
