"""The trusted side of a session: forks the candidate, hands it the data phase by phase, and holds it to its limits.

Times and memory are measured here, and results are written to files in memory that were made here; of what a candidate
says only the shapes of its predictions, and the reason of a failure, are passed on.
"""

from __future__ import annotations

import os
import select
import socket
import time
from typing import Any

from mlestar.evaluation._packets import ProtocolError, receive, send
from mlestar.evaluation._process import MOST_PROCESSES, CandidateProcess
from mlestar.evaluation.sandbox import Sandbox

__all__ = ["supervise"]

_POLL_SECONDS = 0.05
_REASON_CHARACTERS = 8000
_TO_WRITE = {"predict", "combined", "save"}  # phases that return bytes


def supervise(client: socket.socket, sandbox: Sandbox) -> None:
    """Serve one session until the client closes the connection, or until the candidate fails.

    The first message holds the limits, the seed, the threads, and a descriptor of the program; every further one names
    a phase and the files that it is given.
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
            send(process.channel, {name: message[name] for name in ("seed", "threads")}, descriptors)
            os.close(descriptors[0])
            _Session(client, process, message["seconds"], message["memory_mb"]).serve()
        except (EOFError, ConnectionError):
            pass  # the client is gone; nobody is interested any more
        finally:
            process.end()


class _Failure(Exception):
    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


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
            written: list[int] = []
            try:
                if failure:
                    raise failure
                answer["result"] = self._run(request["phase"], request["paths"], written)
            except _Failure as error:
                failure = error
                answer = {"status": error.status, "reason": error.reason[:_REASON_CHARACTERS]}
            seconds = time.monotonic() - started
            self._spent += seconds
            send(self._client, {**answer, "seconds": seconds, "peak_mb": self._peak_mb}, written)
            for descriptor in written:
                os.close(descriptor)

    def _run(self, phase: str, paths: list[str], written: list[int]) -> dict[str, Any]:
        """One phase; a file in memory with what it returned is appended to ``written``."""
        if phase in _TO_WRITE:
            written.append(os.memfd_create("result"))
        # Opened here, in the view of the server, where they can only be read: see _namespaces.
        given = [os.open(path, os.O_RDONLY) for path in paths]
        try:
            send(self._process.channel, {"phase": phase}, given + written)
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
            raise _Failure("failed", f"the candidate wrote into its channel: {error}") from None
        self._measure()
        if reply.get("status") != "ok":
            status = "invalid_score" if reply.get("status") == "invalid_score" else "failed"
            raise _Failure(status, str(reply.get("reason")))
        return {"shape": reply.get("shape"), "labels": reply.get("labels")}

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
                limit = self._limit_seconds
                raise _Failure("timeout", f"used {limit - left:.1f} s, limit {limit:.1f} s")
            if time.monotonic() - self._measured >= _POLL_SECONDS:
                if self._process.has_ended():
                    raise self._ended()
                self._measure()

    def _measure(self) -> None:
        family = self._process.family()
        if len(family) > MOST_PROCESSES:
            raise _Failure("failed", f"started more than {MOST_PROCESSES} processes")
        used = self._process.used_mb(family, self._limit_mb)
        self._measured = time.monotonic()
        self._peak_mb = max(self._peak_mb, used)
        if used > self._limit_mb:
            raise _Failure("out_of_memory", f"used {used / 1000:.2f} GB, limit {self._limit_mb / 1000:.2f} GB")

    def _ended(self) -> _Failure:
        reason = self._process.ending()
        if self._process.was_killed:
            return _Failure("out_of_memory", f"{reason}; the machine has run out of memory")
        return _Failure("failed", reason)
