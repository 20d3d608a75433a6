"""The client's side of a session: one candidate, in its sandbox, on one core of a worker server."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlestar.errors import MlestarError
from mlestar.evaluation._packets import receive, send
from mlestar.files import write_bytes

__all__ = [
    "CandidateFailure",
    "Interrupted",
    "Limits",
    "Phase",
    "Predictions",
    "Session",
    "Workers",
    "WorkersLost",
    "connect",
    "insisting",
]

Result = TypeVar("Result")

_NO_TABLES: Mapping[str, Path] = MappingProxyType({})
_POLL_SECONDS = 0.1  # at which a session that waits asks whether it is still wanted


@dataclass(frozen=True)
class Limits:
    """What one session may use.

    Attributes
    ----------
    seconds : float
        Wall time of all its phases together, from when the core was granted.
    memory_mb : float
        Memory beyond what the libraries take, descendants and files of its own included, in MB of 10^6 bytes. Mapped
        data does not count.
    """

    seconds: float
    memory_mb: float


@dataclass(frozen=True)
class Phase:
    """What one phase used: wall time, and the peak of memory as :class:`Limits` counts it."""

    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Predictions:
    """What a candidate predicted; finite, and of the right number of rows.

    Attributes
    ----------
    values : ndarray of float64 (n, outputs)
        Probabilities, one column per class, or values, one column per target.
    labels : ndarray of int64 (n,) or None
        Class numbers; None for regression.
    seconds, peak_mb : float
        As in :class:`Phase`.
    """

    values: NDArray[np.float64]
    labels: NDArray[np.int64] | None
    seconds: float
    peak_mb: float


class CandidateFailure(Exception):
    """A candidate failed; its session is over.

    Attributes
    ----------
    status : {"failed", "timeout", "out_of_memory", "invalid_score"}
    reason : str
        One line.
    details : str
        The traceback, or what the process last wrote; may be empty.
    seconds, peak_mb : float
        What the session had used by then, as in :class:`Phase`.
    killed : bool
        Whether its process was killed, and not for a limit that it exceeded.
    """

    def __init__(
        self,
        status: str,
        reason: str,
        details: str = "",
        *,
        seconds: float = 0.0,
        peak_mb: float = 0.0,
        killed: bool = False,
    ) -> None:
        super().__init__(f"{status}: {reason}")
        self.status, self.reason, self.details = status, reason, details
        self.seconds, self.peak_mb, self.killed = seconds, peak_mb, killed


class Interrupted(Exception):
    """A session is not wanted any more; nothing was learned about its candidate."""


class WorkersLost(MlestarError):
    """The worker server is gone, or cannot start candidates; nothing was learned about this one."""


class Workers:
    """The sessions of a worker server; may be used by several threads at once.

    Parameters
    ----------
    address : str
        :attr:`mlestar.evaluation.Server.address`.
    interrupted : callable, optional
        Whether sessions, also those that run, are to end at once.
    tables : {name: Path}, optional
        Arrow files of the auxiliary tables, which every program is given from its beginning.
    """

    def __init__(
        self,
        address: str,
        interrupted: Callable[[], bool] = lambda: False,
        tables: Mapping[str, Path] = _NO_TABLES,
    ) -> None:
        self.address, self.interrupted, self.tables = address, interrupted, tables

    @contextmanager
    def session(self, program: str, *, seed: int, threads: int, limits: Limits) -> Iterator[Session]:
        """Wait for a core, and hold it until the end of the ``with`` block; the candidate ends there at the latest.

        Parameters
        ----------
        program : str
            A rendered solution. It runs at the first phase.
        seed, threads : int
            Set in its ``CONTEXT``; ``threads`` also limits OpenMP and BLAS.
        limits : Limits

        Raises
        ------
        CandidateFailure
            From the phases, inside the block.
        Interrupted
            While it waits for a core or a phase.
        WorkersLost
            When the worker server is gone.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            yield Session(self.address, connection, program, seed, threads, limits, self.interrupted, self.tables)


def insisting(work: Callable[[], Result]) -> Result:
    """Do ``work`` in a session, and once more where its processes were killed: the next time they may be left alone.

    Who kills is the kernel when memory runs out, or a person. Nothing of that is learned about the candidate, unless
    it happens again.
    """
    try:
        return work()
    except WorkersLost:
        pass  # perhaps this session alone; where the server is gone, the next attempt says so at once
    except CandidateFailure as failure:
        if not failure.killed:
            raise
    return work()


def connect(
    address: str, interrupted: Callable[[], bool] = lambda: False, tables: Mapping[str, Path] = _NO_TABLES
) -> Workers:
    """The workers of the server at an address; the parameters are those of :class:`Workers`."""
    return Workers(address, interrupted, tables)


class Session:
    """One candidate; see :meth:`Workers.session`.

    Attributes
    ----------
    mode : {"namespaces", "landlock", "none"}
        How the candidate is sandboxed.
    """

    def __init__(
        self,
        address: str,
        connection: socket.socket,
        program: str,
        seed: int,
        threads: int,
        limits: Limits,
        interrupted: Callable[[], bool],
        tables: Mapping[str, Path],
    ) -> None:
        self._connection, self._address, self._interrupted = connection, address, interrupted
        self._failure: CandidateFailure | None = None
        self._used = Phase(0.0, 0.0)
        try:
            connection.connect(address)
        except OSError as error:
            raise self._lost(error) from None
        self.mode: str = self._receive()[0]["mode"]
        request = {
            "seed": seed,
            "threads": threads,
            "seconds": limits.seconds,
            "memory_mb": limits.memory_mb,
            "tables": {name: str(path.resolve(strict=True)) for name, path in tables.items()},
        }
        with os.fdopen(os.memfd_create("program"), "wb") as file:
            file.write(program.encode())
            file.seek(0)
            self._send(request, file.fileno())

    def fit(self, features: Path, target: Path) -> Phase:
        """Fit on the rows of two Arrow files; the candidate is given descriptors of them, and nothing else.

        Raises
        ------
        CandidateFailure
            failed, timeout or out_of_memory; like all further methods.
        """
        return self._phase("fit", features, target)[0]

    def load(self, model: Path) -> Phase:
        """Load a saved model instead of fitting one."""
        return self._phase("load", model)[0]

    def predict(self, features: Path) -> Predictions:
        """Predict for the rows of an Arrow file; may be called again.

        Raises
        ------
        CandidateFailure
            Also invalid_score, when the predictions cannot be scored; the session is not over then.
        """
        with pa.memory_map(str(features)) as source:
            reader = pa.ipc.open_file(source)
            rows = sum(reader.get_batch(number).num_rows for number in range(reader.num_record_batches))
        return self._predictions(rows, *self._phase("predict", features))

    def combine(self, stack: Path, target: Path, stack_new: Path) -> Predictions:
        """Fit ``combine`` and ``postprocess`` alone on members' predictions, then apply them to new ones.

        Parameters
        ----------
        stack, stack_new : Path
            ``.npy`` files (n, members, outputs).
        target : Path
            Arrow file with the target of ``stack``.

        Returns
        -------
        Predictions
            For ``stack_new``; the seconds include the fit.
        """
        fitted, _, _ = self._phase("combine", stack, target)
        used, result, content = self._phase("combined", stack_new)
        rows = np.load(stack_new, mmap_mode="r", allow_pickle=False).shape[0]
        total = Phase(fitted.seconds + used.seconds, max(fitted.peak_mb, used.peak_mb))
        return self._predictions(rows, total, result, content)

    def save(self, path: Path) -> Phase:
        """Write the fitted model as the program's ``save`` does."""
        used, _, content = self._phase("save")
        write_bytes(path, content)
        return used

    def _phase(self, name: str, *paths: Path) -> tuple[Phase, dict[str, Any], bytes]:
        if self._failure:
            raise self._failure
        self._send({"phase": name, "paths": [str(path.resolve(strict=True)) for path in paths]})
        reply, descriptors = self._receive()
        content = b"".join(map(_content, descriptors))  # of a failure there is none
        self._used = Phase(self._used.seconds + reply["seconds"], max(self._used.peak_mb, reply["peak_mb"]))
        if reply["status"] != "ok":
            self._failure = self._failed(reply["status"], reply["reason"], reply["details"], killed=reply["killed"])
            raise self._failure
        return Phase(reply["seconds"], reply["peak_mb"]), reply["result"], content

    def _predictions(self, rows: int, used: Phase, result: dict[str, Any], content: bytes) -> Predictions:
        """Check what a candidate returned: shapes, as it says, and bytes. They need not go together."""

        shape, label_shape = result["shape"], result["labels"]
        if not (shape and len(shape) in (1, 2) and shape[0] == rows):
            raise self._failed("invalid_score", f"predictions of shape {shape} for {rows} rows")
        if label_shape not in (None, [rows]):
            raise self._failed("invalid_score", f"labels of shape {label_shape} for {rows} rows")
        numbers = int(np.prod(shape))
        if len(content) != 8 * (numbers + (0 if label_shape is None else rows)):
            raise self._failed("invalid_score", "predictions are incomplete")
        values = np.frombuffer(content, np.float64, numbers).reshape(rows, *shape[1:] or [1])
        if not np.isfinite(values).all():
            first = np.argmin(np.isfinite(values).all(axis=1))
            raise self._failed("invalid_score", f"predictions that are not finite, the first for row {first}")
        labels = None
        if label_shape is not None:
            labels = np.frombuffer(content, np.int64, offset=8 * numbers)
            if rows and not (labels.min() >= 0 and labels.max() < values.shape[1]):
                raise self._failed("invalid_score", f"labels outside of 0..{values.shape[1] - 1}")
        return Predictions(values, labels, used.seconds, used.peak_mb)

    def _failed(self, status: str, reason: str, details: str = "", *, killed: bool = False) -> CandidateFailure:
        used = {"seconds": self._used.seconds, "peak_mb": self._used.peak_mb}
        return CandidateFailure(status, reason, details, **used, killed=killed)

    def _send(self, message: dict[str, Any], *descriptors: int) -> None:
        try:
            send(self._connection, message, descriptors)
        except OSError as error:
            raise self._lost(error) from None

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        while not select.select([self._connection], [], [], _POLL_SECONDS)[0]:
            if self._interrupted():
                raise Interrupted
        try:
            reply, descriptors = receive(self._connection)
        except (EOFError, OSError) as error:
            raise self._lost(error) from None
        if "error" in reply:
            raise WorkersLost(f"{self._address}: {reply['error']}")
        return reply, descriptors

    def _lost(self, error: Exception) -> WorkersLost:
        return WorkersLost(
            f"{self._address}: the worker server does not answer ({error}); "
            "run the same command again: it goes on where it was"
        )


def _content(descriptor: int) -> bytes:
    """The bytes of a file that a candidate may still hold and change: read once, from the beginning."""
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        return file.read()
