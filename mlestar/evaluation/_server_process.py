"""The worker server itself: imports the modelling libraries, then forks a session for every client that asks.

It never fits, predicts or reads data, and stays single-threaded: so a fork of it is safe, and holds nothing worth
stealing. Sessions get one core each, first come first served; further clients wait in the queue of the socket, which
lies in a directory that only its owner can enter. The server ends when its starter closes the pipe between them or
dies, and all sessions end with it.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import select
import shutil
import signal
import socket
import sys
import traceback
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn, cast

import pyarrow as pa
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from mlestar.evaluation import candidate
from mlestar.evaluation._linux import PR_SET_DUMPABLE, die_with_parent, prctl
from mlestar.evaluation._process import fork
from mlestar.evaluation.sandbox import Mode, Sandbox
from mlestar.evaluation.supervisor import supervise

_LIBRARIES = (
    *("numpy", "pandas", "pyarrow", "scipy.optimize", "scipy.sparse.linalg", "scipy.special", "scipy.stats"),
    *("sklearn.calibration", "sklearn.cluster", "sklearn.compose", "sklearn.decomposition", "sklearn.ensemble"),
    *("sklearn.discriminant_analysis", "sklearn.feature_extraction.text", "sklearn.feature_selection"),
    *("sklearn.impute", "sklearn.isotonic", "sklearn.kernel_approximation", "sklearn.linear_model", "sklearn.metrics"),
    *("sklearn.model_selection", "sklearn.naive_bayes", "sklearn.neighbors", "sklearn.pipeline"),
    *("sklearn.preprocessing", "sklearn.svm", "sklearn.tree"),
    *("skrub", "lightgbm", "catboost", "skops.io", "encodings.cp437"),  # the encoding is of zip files, and so of models
)
_EXTRAS = ("xgboost",)  # where they are installed
_STARTER = 0  # standard input: closed when the starter is gone


def _main(directory: Path, listening: int, cores: int, mode: Mode | None) -> None:
    # Should memory run out, the kernel is to take a candidate, not the stage; all children inherit this.
    Path("/proc/self/oom_score_adj").write_text("1000")
    _import_libraries()
    parent = os.open(directory.parent, os.O_RDONLY | os.O_DIRECTORY)  # while the server may still write to it
    with socket.socket(fileno=listening) as listener:
        sandbox = Sandbox.prepare(directory, mode)
        gc.collect()
        gc.freeze()  # the collector of a fork would touch every object, and so copy every page
        prctl(PR_SET_DUMPABLE, 0)  # no other process of the user can look inside
        sys.stdout.write(f"{sandbox.mode}\n")
        sys.stdout.flush()
        _serve(listener, sandbox, cores)
    sandbox.remove()
    shutil.rmtree(directory.name, ignore_errors=True, dir_fd=parent)  # the starter may have died


def _import_libraries() -> None:
    for name in (*_LIBRARIES, *filter(find_spec, _EXTRAS)):
        importlib.import_module(name)
    # What some of them import only when they first see a table.
    validate_data(BaseEstimator(), pa.table({"number": [0.0]}).to_pandas(use_threads=False))
    candidate.look_up_thread_pools()


def _serve(listener: socket.socket, sandbox: Sandbox, cores: int) -> None:
    sessions: dict[int, int] = {}  # by the reading end of a pipe that is closed when the session has ended
    while True:
        accepting = [listener.fileno()] if len(sessions) < cores else []
        ready = select.select([_STARTER, *sessions, *accepting], [], [])[0]
        if _STARTER in ready:
            break
        for ended in set(ready) & set(sessions):
            os.waitpid(sessions.pop(ended), 0)
            os.close(ended)
        if listener.fileno() in ready:
            connection, _ = listener.accept()
            server = os.getpid()
            ended, alive = os.pipe()
            pid = fork()
            if pid == 0:
                _become_session(server, listener, connection, sandbox)
            os.close(alive)
            connection.close()
            sessions[ended] = pid
    for pid in sessions.values():
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def _become_session(server: int, listener: socket.socket, connection: socket.socket, sandbox: Sandbox) -> NoReturn:
    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # unwinds, so that the candidate is ended too
        die_with_parent(signal.SIGTERM)
        listener.close()
        if os.getppid() == server:
            supervise(connection, sandbox)
    except SystemExit:
        pass  # it was told to end, and has unwound
    except BaseException:  # a fork must not return into the loop of the server
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    _main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), cast(Mode | None, sys.argv[4] or None))
