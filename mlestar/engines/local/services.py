"""The processes that serve one run: the worker server, the stage server, and the one that runs the pipeline."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlestar.engines.local.folder import RunFolder
from mlestar.private_folders import private_folder
from mlestar.progress import EVENTS
from mlestar.stages import server as stage_server
from mlestar.stages.environment import ENDING, SCRATCH, STAGE_SERVER, WORKERS, cores

if TYPE_CHECKING:
    from mlestar.evaluation import Server, Workers

__all__ = ["Services", "open_services"]

PATIENCE = 2.0  # seconds that a process has to end by itself

Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Services:
    """What serves one run.

    Parameters
    ----------
    pipeline
        The process of :mod:`mlestar.engines.local.pipeline`, which waits for its request.
    worker_server
        Where candidates and models run; what is asked of it before it is warm waits.
    environment
        How stages find the rest.
    """

    pipeline: Process
    worker_server: Server
    environment: Mapping[str, str]

    @property
    def workers(self) -> Workers:
        """The workers."""
        from mlestar.evaluation import connect

        return connect(self.worker_server.address)

    def start_pipeline(self, request: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        """Let the pipeline run, its tasks in ``environment`` and that of the services."""
        assert self.pipeline.stdin is not None
        everything = {**self.environment, WORKERS: self.worker_server.address, **environment}
        self.pipeline.stdin.write(json.dumps({**request, "environment": everything}).encode() + b"\n")
        self.pipeline.stdin.flush()


@contextlib.contextmanager
def open_services(folder: RunFolder) -> Iterator[Services]:
    """Start everything at once, because importing libraries takes each some seconds; end it with the context."""
    from mlestar.evaluation import start_server

    with ExitStack() as stack:
        private = stack.enter_context(private_folder())
        stack.enter_context(_fresh(folder.scratch))
        address = private / "stages"
        stages = stage_server.start(address, stack.enter_context(folder.log("stages").open("ab")))
        stack.enter_context(_ending(stages))
        pipeline = _start_pipeline(private, folder)
        stack.enter_context(_ending(pipeline))
        worker_server = stack.enter_context(start_server(cores(), wait=False))
        environment = {
            ENDING: str(folder.ending),
            EVENTS: str(folder.events),
            SCRATCH: str(folder.scratch),
            STAGE_SERVER: str(address),
        }
        yield Services(pipeline, worker_server, environment)


def _start_pipeline(private: Path, folder: RunFolder) -> Process:
    with folder.log("kfp").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "mlestar.engines.local.pipeline"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={
                **os.environ,
                "TMPDIR": str(private),  # where a task leaves its script
                "PYTHONSAFEPATH": "1",  # a file in the current directory does not take the place of a library
            },
            start_new_session=True,
        )


@contextlib.contextmanager
def _fresh(folder: Path) -> Iterator[None]:
    """An empty folder, also after a run that was killed; gone with the context."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _ending(process: Process) -> Iterator[None]:
    """End ``process`` with the context.

    It leads a session of its own, so that an interrupt in the terminal reaches this process alone, and ends by itself
    when its standard input is closed, so that it does not outlive this process even when that is killed.
    """
    try:
        yield
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
