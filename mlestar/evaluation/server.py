"""Start and end a worker server: one process of warm imports, from which the candidates of a run are forked."""

from __future__ import annotations

import logging
import os
import select
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, cast

from mlestar.errors import MlestarError
from mlestar.evaluation._packets import SOCKET
from mlestar.evaluation.sandbox import Mode

__all__ = ["Server", "start_server"]

_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",  # one order of sets in all runs
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    # A fork copies the tables of the memory's pages. With huge pages they are small: 2 ms in place of 7.
    "PYTHONMALLOC": "malloc",
    # And what is large goes back to the machine when it is freed, whatever was freed before.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4194304",
}
_KEPT = ("LD_LIBRARY_PATH",)  # without it, an environment may not find its libraries
_PROGRAM = "mlestar.evaluation._server_process"
_LOG = "log"
_QUEUE = 1024  # sessions that wait for a core

_log = logging.getLogger(__name__)


class Server:
    """A worker server that runs, or imports its libraries still; a context manager that ends it.

    Attributes
    ----------
    address : str
        What :func:`mlestar.evaluation.connect` takes, in this process or another of the same user. Sessions that are
        opened before the server is warm wait for it.
    mode : {"namespaces", "landlock", "none"} or None
        How candidates are sandboxed: see :mod:`mlestar.evaluation.sandbox`; None until it is warm.
    reason : str
        Why not in a stronger mode; empty where there is none.
    """

    def __init__(self, process: subprocess.Popen[str], directory: tempfile.TemporaryDirectory[str]) -> None:
        self._process, self._directory = process, directory
        self._said = cast(IO[str], process.stdout)
        self.address = str(Path(directory.name, SOCKET))
        self.mode: Mode | None = None
        self.reason = ""

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check(self) -> None:
        """Complain if it could not start; does not wait.

        Raises
        ------
        MlestarError
            As :meth:`wait`.
        """
        if self.mode is None and select.select([self._said], [], [], 0)[0]:
            self.wait()

    def wait(self) -> Mode:
        """Return the mode when it is warm.

        Raises
        ------
        MlestarError
            When it cannot be started, or the machine refuses the mode.
        """
        if self.mode is not None:
            return self.mode
        taken = self._said.readline().strip()
        written = Path(self._directory.name, _LOG).read_text(errors="replace").strip()
        if not taken:
            self._process.wait()
            last = written.splitlines()[-1] if written else f"exit code {self._process.returncode}"
            lacks = "`mlestar doctor` says what this machine lacks"
            raise MlestarError(f"the worker server does not start: {last}; {lacks}")
        self.mode = cast(Mode, taken)
        if self.mode != "namespaces":
            self.reason = " ".join(written.split())
            told = "candidates run in the weaker sandbox mode %r, not in namespaces (%s); see `mlestar doctor`"
            _log.warning(told, self.mode, self.reason)
        return self.mode

    def close(self) -> None:
        """End the server and all sessions; returns when they are gone."""
        if self.mode is None:
            self._process.kill()  # it would import the rest first
        self._process.communicate()
        self._directory.cleanup()


def start_server(cores: int, *, mode: Mode | None = None, wait: bool = True) -> Server:
    """Start a worker server, which needs some seconds to import the modelling libraries.

    It is given nothing of this process's environment, working directory or descriptors.

    Parameters
    ----------
    cores : int
        Sessions at the same time.
    mode : {"namespaces", "landlock", "none"}, optional
        The sandbox mode to use; by default the strongest that the machine allows.
    wait : bool
        Return when it is warm, or at once.

    Raises
    ------
    MlestarError
        As :meth:`Server.wait`.
    """
    directory = tempfile.TemporaryDirectory(prefix="mlestar-workers-", ignore_cleanup_errors=True)
    library = Path(__file__).parents[2]
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with Path(directory.name, _LOG).open("wb") as log, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(Path(directory.name, SOCKET)))
        listener.listen(_QUEUE)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", _PROGRAM, directory.name, str(listener.fileno()), str(cores), mode or ""],
            env={**_ENVIRONMENT, **kept, "HOME": directory.name, "PYTHONPATH": str(library)},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            pass_fds=[listener.fileno()],
            text=True,
            start_new_session=True,
        )
    server = Server(process, directory)
    if wait:
        try:
            server.wait()
        except MlestarError:
            server.close()
            raise
    return server
