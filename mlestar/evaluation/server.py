"""Start and end a worker server: one process of warm imports, from which the candidates of a run are forked."""

from __future__ import annotations

import logging
import os
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
    # Threads that wait for others sleep. Spinning, they keep those from a core where others want it too: a fit of
    # LightGBM on two threads took a hundred times as long on a busy machine of two cores.
    "OMP_WAIT_POLICY": "passive",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    # A fork copies the tables of the memory's pages. With huge pages they are small: 2 ms in place of 7.
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
_KEPT = ("LD_LIBRARY_PATH",)  # without it, an environment may not find its libraries
_PROGRAM = "mlestar.evaluation._server_process"

_log = logging.getLogger(__name__)


class Server:
    """A running worker server; a context manager that ends it.

    Attributes
    ----------
    address : str
        What :func:`mlestar.evaluation.connect` takes, in this process or another of the same user.
    mode : {"namespaces", "landlock", "none"}
        How candidates are sandboxed: see :mod:`mlestar.evaluation.sandbox`.
    reason : str
        Why not in a stronger mode; empty where there is none.
    """

    def __init__(
        self,
        process: subprocess.Popen[str],
        directory: tempfile.TemporaryDirectory[str],
        mode: Mode,
        reason: str = "",
    ) -> None:
        self._process, self._directory = process, directory
        self.reason = reason
        self.address = str(Path(directory.name, SOCKET))
        self.mode = mode

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server and all sessions; returns when they are gone."""
        self._process.communicate()
        self._directory.cleanup()


def start_server(cores: int, *, mode: Mode | None = None) -> Server:
    """Start a worker server; returns when it has imported the libraries and listens, after some seconds.

    It is given nothing of this process's environment, working directory or descriptors.

    Parameters
    ----------
    cores : int
        Sessions at the same time.
    mode : {"namespaces", "landlock", "none"}, optional
        The sandbox mode to use; by default the strongest that the machine allows.

    Raises
    ------
    MlestarError
        When it cannot be started, or the machine refuses the mode.
    """
    directory = tempfile.TemporaryDirectory(prefix="mlestar-workers-", ignore_cleanup_errors=True)
    library = Path(__file__).parents[2]
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    log = Path(directory.name, "log")
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", _PROGRAM, directory.name, str(cores), mode or ""],
            env={**_ENVIRONMENT, **kept, "HOME": directory.name, "PYTHONPATH": str(library)},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    taken = cast(IO[str], process.stdout).readline().strip()
    written = log.read_text(errors="replace").strip()
    if not taken:
        process.communicate()
        directory.cleanup()
        last = written.splitlines()[-1] if written else f"exit code {process.returncode}"
        raise MlestarError(f"the worker server does not start: {last}; `mlestar doctor` says what this machine lacks")
    reason = " ".join(written.split()) if taken != "namespaces" else ""
    if taken != "namespaces":
        told = "candidates run in the weaker sandbox mode %r, not in namespaces (%s); see `mlestar doctor`"
        _log.warning(told, taken, reason)
    return Server(process, directory, cast(Mode, taken), reason)
