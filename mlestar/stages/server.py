"""A warm process that runs stages: it has imported the libraries once, and forks a child for every stage.

Importing the libraries takes about as long as a short stage itself, and a run has a dozen stages. The server imports
them and does nothing else, so that its memory can be forked safely; a child takes over the environment, the directory
and the output of its client, and so behaves as if the client had run the stage itself.

The socket is in a directory that only its owner can enter, and on no path that a candidate can see. A child ends when
its client or the server ends, and the server when the process that started it does, whatever ended them.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import select
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from mlestar.errors import MlestarError, named
from mlestar.stages.environment import STAGE_SERVER

__all__ = ["StageFailure", "StageServer", "forward", "start"]

POLL_SECONDS = 0.1  # at which the server sees that it is to end
HEADER = 8  # bytes that hold the length of a request
LIBRARIES = ("sklearn.metrics", "sklearn.model_selection", "sklearn.tree", "optuna")  # imported inside of functions
STANDARD_INPUT, *STANDARD_OUTPUTS = 0, 1, 2


class StageFailure(RuntimeError):
    """A stage failed in the server with an error that is not the user's; the message names its type."""


def start(address: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a stage server; stages may be forwarded to ``address`` at once, they wait until it is warm.

    Parameters
    ----------
    address : Path
        The socket to create, in a directory that only its owner can enter. At most some 100 characters.
    log : binary file
        Where the server itself writes; the output of a stage goes to its client.

    Returns
    -------
    subprocess.Popen
        The server. It ends when its ``stdin`` is closed, and so when this process ends.
    """
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen()
        return subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(listener.fileno())],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )


def forward(address: str, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Run a stage in the server at ``address`` with the environment, directory and output of this process.

    Parameters
    ----------
    address : str
        The path of the server's socket.
    name : str
        The stage, as in :func:`mlestar.stages.run_stage`.
    arguments : mapping
        Its arguments; what JSON can hold.

    Returns
    -------
    dict
        What the stage returned.

    Raises
    ------
    MlestarError
        The same as the stage raised.
    StageFailure
        When the stage raised anything else or ended without an answer, or when there is no server.
    """
    request = {"name": name, "arguments": dict(arguments), "environment": dict(os.environ), "directory": os.getcwd()}
    content = json.dumps(request).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(address)
        except OSError as error:
            raise StageFailure(f"stage {name}: the stage server at {address} is gone ({error}); see its log") from None
        socket.send_fds(connection, [len(content).to_bytes(HEADER)], STANDARD_OUTPUTS)
        connection.sendall(content)
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    if not answer:
        raise StageFailure(f"stage {name}: its process ended without an answer")
    reply = json.loads(answer)
    if "error" not in reply:
        result: dict[str, Any] = reply["result"]
        return result
    raise named(reply["error"], reply["message"]) or StageFailure(f"stage {name}: {reply['error']}: {reply['message']}")


class StageServer(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """Forks a child for every stage that a client asks for.

    Parameters
    ----------
    listener : socket
        A Unix socket that listens already.
    """

    block_on_close = False  # children end by themselves when the server is gone

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(listener.getsockname(), _StageHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        # Children watch the reading end: the kernel closes the writing end however the server ends.
        self.alive, self._alive = os.pipe()

    def service_actions(self) -> None:
        """Collect the children that have ended; end when the process that started the server is gone."""
        super().service_actions()
        if select.select([STANDARD_INPUT], [], [], 0)[0]:
            raise SystemExit

    def become_child(self) -> None:
        """Let go, in a child, of what only the server may hold."""
        self.socket.close()
        os.close(self._alive)


class _StageHandler(socketserver.BaseRequestHandler):
    """One stage, in the child that was forked for it."""

    request: socket.socket
    server: StageServer

    def handle(self) -> None:
        os.setpgid(0, 0)
        self.server.become_child()
        header, descriptors, _, _ = socket.recv_fds(self.request, HEADER, maxfds=2)
        for target, descriptor in zip(STANDARD_OUTPUTS, descriptors, strict=True):
            os.dup2(descriptor, target)
            os.close(descriptor)
        content = self.request.recv(int.from_bytes(header), socket.MSG_WAITALL)
        threading.Thread(target=self._end_with_others, daemon=True).start()
        request = json.loads(content)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.environ.pop(STAGE_SERVER, None)  # the stage is to run here
        os.chdir(request["directory"])
        self.request.sendall(json.dumps(_run(request["name"], request["arguments"])).encode())

    def _end_with_others(self) -> None:
        # Nobody writes to either, so that readable means closed: by the client, or with the server.
        select.select([self.request.fileno(), self.server.alive], [], [])
        os.killpg(0, signal.SIGKILL)


def _run(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    from mlestar.stages import run_stage

    logging.basicConfig(level=logging.INFO, stream=sys.stdout, force=True)
    try:
        return {"result": run_stage(name, arguments)}
    except Exception as error:  # whatever it was, the client raises it
        traceback.print_exc()
        return {"error": type(error).__name__, "message": str(error)}
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _import_libraries() -> None:
    from mlestar.recipes import catalogue
    from mlestar.stages import STAGES

    for name in (*(f"mlestar.stages.{stage}" for stage in STAGES), *LIBRARIES):
        importlib.import_module(name)
    with contextlib.suppress(MlestarError):  # a recipe that cannot be read is for the stages to complain of
        for recipe in catalogue():
            recipe.defaults  # noqa: B018  # parses its block; what forks inherit, none of them parses again


if __name__ == "__main__":
    _import_libraries()
    with StageServer(socket.socket(fileno=int(sys.argv[1]))) as stage_server:
        stage_server.serve_forever(POLL_SECONDS)
