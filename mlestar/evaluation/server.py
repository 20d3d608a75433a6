"""The worker server: a process that has imported the modelling libraries, and forks a session for every client that asks.

It never fits, predicts or reads data, and stays single-threaded: so a fork of it is safe, and holds nothing worth stealing. Sessions
get one core each, first come first served; further clients wait in the queue of the socket, which lies in a directory that only
its owner can enter. The server ends when its starter closes the pipe between them or dies, and all sessions end with it.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from types import TracebackType
from typing import IO, NoReturn, cast

from mlestar.errors import MlestarError
from mlestar.evaluation._linux import PR_SET_DUMPABLE, die_with_parent, prctl
from mlestar.evaluation.sandbox import Mode, Sandbox

__all__ = ["Server", "start_server"]

_LIBRARIES = (
    *("numpy", "pandas", "pyarrow", "scipy.optimize", "scipy.sparse.linalg", "scipy.special", "scipy.stats"),
    *("sklearn.calibration", "sklearn.cluster", "sklearn.compose", "sklearn.decomposition", "sklearn.ensemble"),
    *("sklearn.discriminant_analysis", "sklearn.feature_extraction.text", "sklearn.feature_selection", "sklearn.impute"),
    *("sklearn.isotonic", "sklearn.kernel_approximation", "sklearn.linear_model", "sklearn.metrics", "sklearn.model_selection"),
    *("sklearn.naive_bayes", "sklearn.neighbors", "sklearn.pipeline", "sklearn.preprocessing", "sklearn.svm", "sklearn.tree"),
    *("skrub", "lightgbm", "catboost", "skops.io"),
)
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
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
_KEPT = ("LD_LIBRARY_PATH",)  # without it, an environment may not find its libraries
_STARTER = 0  # standard input: closed when the starter is gone
_QUEUE = 1024

_log = logging.getLogger(__name__)


class Server:
    """A running worker server; a context manager that ends it.

    Attributes
    ----------
    address : str
        What :func:`mlestar.evaluation.connect` takes, in this process or another of the same user.
    mode : {"namespaces", "landlock", "none"}
        How candidates are sandboxed: see :mod:`mlestar.evaluation.sandbox`.
    """

    def __init__(self, process: subprocess.Popen[str], directory: tempfile.TemporaryDirectory[str], mode: Mode) -> None:
        self._process, self._directory = process, directory
        self.address = str(_socket_path(directory.name))
        self.mode = mode

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
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
            [sys.executable, "-P", "-m", __name__, directory.name, str(cores), mode or ""],
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
        raise MlestarError(f"the worker server does not start: {last}; workers need Linux and the libraries of requirements/main.txt")
    if taken != "namespaces":
        _log.warning("candidates run in the weaker sandbox mode %r, not in namespaces: %s", taken, written)
    return Server(process, directory, cast(Mode, taken))


def _socket_path(directory: str) -> Path:
    return Path(directory, "socket")


def _main(directory: Path, cores: int, mode: Mode | None) -> None:
    # Should memory run out, the kernel is to take a candidate, not the stage; all children inherit this.
    Path("/proc/self/oom_score_adj").write_text("1000")
    for name in _LIBRARIES:
        importlib.import_module(name)
    _finish_imports()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(_socket_path(str(directory))))
        listener.listen(_QUEUE)
        sandbox = Sandbox.prepare(directory, mode)
        prctl(PR_SET_DUMPABLE, 0)  # no other process of the user can look inside
        sys.stdout.write(f"{sandbox.mode}\n")
        sys.stdout.flush()
        gc.collect()
        gc.freeze()  # the collector of a fork would touch every object, and so copy every page
        _serve(listener, sandbox, cores)


def _finish_imports() -> None:
    """What is imported, or looked up, only when the libraries are there, or when they first see a table."""
    import pyarrow as pa
    from sklearn.base import BaseEstimator
    from sklearn.utils.validation import validate_data

    importlib.import_module("mlestar.evaluation.supervisor")
    validate_data(BaseEstimator(), pa.table({"number": [0.0]}).to_pandas(use_threads=False))
    importlib.import_module("encodings.cp437")  # of zip files, and so of saved models


def _serve(listener: socket.socket, sandbox: Sandbox, cores: int) -> None:
    sessions: dict[int, int] = {}  # by a descriptor that is readable when the process has ended
    while True:
        accepting = [listener] if len(sessions) < cores else []
        ready = select.select([_STARTER, *sessions, *accepting], [], [])[0]
        if _STARTER in ready:
            break
        for ended in set(ready) & set(sessions):
            os.waitpid(sessions.pop(ended), 0)
            os.close(ended)
        if listener in ready:
            connection, _ = listener.accept()
            server = os.getpid()
            pid = os.fork()
            if pid == 0:
                _become_session(server, listener, connection, sandbox)
            connection.close()
            sessions[os.pidfd_open(pid)] = pid
    for pid in sessions.values():
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def _become_session(server: int, listener: socket.socket, connection: socket.socket, sandbox: Sandbox) -> NoReturn:
    from mlestar.evaluation.supervisor import supervise

    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # unwinds, so that the candidate is ended too
        die_with_parent(signal.SIGTERM)
        listener.close()
        if os.getppid() == server:
            supervise(connection, sandbox)
    except SystemExit:
        pass
    except BaseException:  # a fork must not return into the loop of the server
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    _main(Path(sys.argv[1]), int(sys.argv[2]), cast(Mode, sys.argv[3]) or None)
