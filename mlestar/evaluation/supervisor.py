"""The trusted side of a session: forks the candidate, hands it the data phase by phase, and holds it to its limits.

Times and memory are measured here, and results are written to files in memory that were made here; of what a candidate
says only the shapes of its predictions, and why it failed, are passed on.
"""

from __future__ import annotations

import os
import select
import socket
import time
from math import isinf
from typing import Any

from mlestar.evaluation._packets import ProtocolError, receive, send
from mlestar.evaluation._process import MOST_PROCESSES, MOST_THREADS, CandidateProcess
from mlestar.evaluation.sandbox import SCRATCH_BYTES, Sandbox

__all__ = ["supervise"]

_POLL_SECONDS = 0.05
_REASON_CHARACTERS, _DETAILS_CHARACTERS = 500, 4500  # of up to 12 bytes in JSON, within one packet
_DIMENSIONS = 4  # of predictions, that a reason names
_NAMES = {"combined": "combine"}  # of phases, where they are called otherwise
_TO_WRITE = {"predict", "combined", "save"}  # phases that return bytes
_OWN_FAILURES = {"failed", "invalid_score", "out_of_memory"}  # that a candidate may report of itself


def supervise(client: socket.socket, sandbox: Sandbox) -> None:
    """Serve one session until the client closes the connection, or until the candidate fails.

    The first message holds the limits, the seed, the threads, a descriptor of the program, and names the files of the
    auxiliary tables; every further one names a phase and the files that it is given.
    """
    with sandbox.scratch() as scratch:
        try:
            process = CandidateProcess(sandbox, scratch)
        except ChildProcessError as error:
            send(client, {"error": str(error)[:_REASON_CHARACTERS]})
            return
        try:
            send(client, {"mode": sandbox.mode})
            message, descriptors = receive(client)
            _begin(process, message, descriptors)
            _Session(client, process, message["seconds"], message["memory_mb"]).serve()
        except (EOFError, ConnectionError):
            pass  # the client is gone; nobody is interested any more
        finally:
            process.end()


def _begin(process: CandidateProcess, message: dict[str, Any], descriptors: list[int]) -> None:
    """Hand on the program, and the auxiliary tables, which hold nothing that it may not know."""
    given = descriptors + [os.open(path, os.O_RDONLY) for path in message["tables"].values()]
    try:
        known = {"seed": message["seed"], "threads": message["threads"], "tables": list(message["tables"])}
        send(process.channel, known, given)
    finally:
        for descriptor in given:
            os.close(descriptor)


class _Failure(Exception):
    def __init__(self, status: str, reason: str, details: str = "", *, killed: bool = False) -> None:
        super().__init__(reason)
        self.status, self.killed = status, killed
        self.reason = _readable(" ".join(reason.split()))[:_REASON_CHARACTERS]
        self.details = _readable(details)[-_DETAILS_CHARACTERS:]


class _Session:
    """The phases of one candidate.

    Parameters
    ----------
    client : socket
    process : CandidateProcess
    seconds : float
        For all phases together.
    memory_mb : float
    """

    def __init__(self, client: socket.socket, process: CandidateProcess, seconds: float, memory_mb: float) -> None:
        self._client, self._process = client, process
        self._limit_seconds, self._limit_mb = seconds, memory_mb
        self._spent = self._peak_mb = 0.0
        self._measured = -_POLL_SECONDS
        self._place = "before fit"  # or in, or after, a phase; for the reason of a failure
        self._written: list[int] = []  # files in memory, for what the phase returns

    def serve(self) -> None:
        """Answer requests until there are no more."""
        failure: _Failure | None = None
        while failure is None:
            try:
                self._wait(self._client, float("inf"))
            except _Failure as error:  # of code that went on after its phase; the next phase says so
                failure = error
            request, _ = receive(self._client)
            started, self._peak_mb = time.monotonic(), 0.0
            answer: dict[str, Any] = {"status": "ok"}
            try:
                if failure:
                    raise failure
                answer["result"] = self._run(request["phase"], request["paths"])
            except _Failure as error:
                failure = error
                answer = {"status": error.status, "reason": error.reason, "details": error.details}
            seconds = time.monotonic() - started
            self._spent += seconds
            returned = () if failure else self._written
            used = {"seconds": seconds, "peak_mb": self._peak_mb}
            send(self._client, {**answer, **used, "killed": failure is not None and failure.killed}, returned)
            while self._written:
                os.close(self._written.pop())

    def _run(self, phase: str, paths: list[str]) -> dict[str, Any]:
        """One phase; what it returns is the shapes that the candidate names, and a file in memory."""
        name = _NAMES.get(phase, phase)
        self._place = f"in {name}"
        if phase in _TO_WRITE:
            self._written.append(os.memfd_create("result"))
        # Opened here, in the view of the server, where they can only be read: see _namespaces.
        given = [os.open(path, os.O_RDONLY) for path in paths]
        try:
            send(self._process.channel, {"phase": phase}, given + self._written)
        except OSError:
            raise self._ended() from None
        finally:
            for descriptor in given:
                os.close(descriptor)
        self._wait(self._process.channel, time.monotonic() + self._limit_seconds - self._spent)
        try:
            reply, _ = receive(self._process.channel, trusted=False)
        except (EOFError, ConnectionError):
            raise self._ended() from None
        except ProtocolError as error:
            raise _Failure("failed", f"wrote into its channel {self._place}: {error}") from None
        self._measure()
        if (status := str(reply.get("status"))) != "ok":
            texts = (str(reply.get(each, "")) for each in ("reason", "details"))
            raise _Failure(status if status in _OWN_FAILURES else "failed", *texts)
        self._place = f"after {name}"
        return {name: _shape(reply.get(name)) for name in ("shape", "labels")}

    def _wait(self, source: socket.socket, deadline: float) -> None:
        """Wait until there is something to receive, and watch the candidate meanwhile."""
        while True:
            watched: list[socket.socket | int] = [source, self._client]
            if self._process.output is not None:
                watched.append(self._process.output)
            left = deadline - time.monotonic()
            ready = select.select(watched, [], [], max(0.0, min(left, _POLL_SECONDS)))[0]
            if self._process.output in ready:
                self._process.read_output()
            if source in ready:
                return
            if self._client in ready:
                raise EOFError("the client spoke out of turn, or closed the connection")
            if left <= 0:
                raise _Failure("timeout", f"over the time limit of {self._limit_seconds:.1f} s {self._place}")
            if time.monotonic() - self._measured >= _POLL_SECONDS:
                if self._process.has_ended():
                    raise self._ended()
                self._measure()

    def _measure(self) -> None:
        family = self._process.family()
        if len(family) > MOST_PROCESSES:
            raise _Failure("failed", f"started more than {MOST_PROCESSES} processes {self._place}")
        if self._process.threads(family) > MOST_THREADS:
            raise _Failure("failed", f"started more than {MOST_THREADS} threads {self._place}")
        files_mb = self._process.written_mb()
        if isinf(files_mb):
            raise _Failure("failed", f"left files that cannot be counted {self._place}: too many, or hidden too deep")
        if files_mb > SCRATCH_BYTES / 1e6:
            raise _Failure("failed", f"wrote files of more than {_size(SCRATCH_BYTES / 1e6)} {self._place}")
        files_mb += sum(os.fstat(descriptor).st_size for descriptor in self._written) / 1e6
        used = self._process.used_mb(family, self._limit_mb) + files_mb
        self._measured = time.monotonic()
        self._peak_mb = max(self._peak_mb, used)
        if used > self._limit_mb:
            files = f", {_size(files_mb)} of it in files" if files_mb > 1 else ""
            limit = f"over the memory limit of {_size(self._limit_mb)} {self._place}"
            raise _Failure("out_of_memory", f"{limit}: used {_size(used)}{files}")

    def _ended(self) -> _Failure:
        reason = f"{self._process.ending()} {self._place}"
        if self._process.was_killed:
            return _Failure("out_of_memory", f"{reason}, probably because the machine ran out of memory", killed=True)
        return _Failure("failed", reason, self._process.last_output())


def _readable(text: str) -> str:
    """A text without what moves a cursor, and what UTF-8 cannot hold: a candidate may write anything."""
    return "".join(each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}" for each in text)


def _size(megabytes: float) -> str:
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"


def _shape(told: object) -> list[int] | None:
    """The shape that a candidate tells, which may be anything."""
    if not isinstance(told, list) or not all(isinstance(each, int) and 0 <= each < 1 << 32 for each in told):
        return None
    return told[:_DIMENSIONS]
