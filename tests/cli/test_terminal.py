"""A run in a real terminal: what is seen, and what Ctrl-C does."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PATIENCE = 600.0  # seconds, after which a test fails in place of hanging
CTRL_C = b"\x03"
CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

SPEC = """\
apiVersion: mlestar/v1
kind: Scope
name: cancer
data: {train: "sklearn:breast_cancer"}
task: {target: target}
budget: {wall_clock: 10m}
pipeline: {branches: 1, outer_steps: 1}
"""


class Terminal:
    """A program in a terminal of its own, and what has been written there so far."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self._descriptor, self._process = descriptor, process
        self.raw = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        try:
            while read := os.read(self._descriptor, 1 << 16):
                self.raw += read.decode(errors="replace")
        except OSError:  # the program has closed the terminal
            pass

    @property
    def text(self) -> str:
        return CONTROL_SEQUENCE.sub("", self.raw)

    def wait_for(self, pattern: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.text):
            assert self._process.poll() is None and time.monotonic() < deadline, self.text[-2000:]
            time.sleep(0.05)

    def press(self, keys: bytes) -> None:
        os.write(self._descriptor, keys)

    def exit_status(self) -> int:
        status = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status


@contextmanager
def terminal(*arguments: str, cwd: Path, rows: int = 24, columns: int = 80, **environment: str) -> Iterator[Terminal]:
    """``mlestar ARGUMENTS`` in a terminal of this size, which also controls it, so that Ctrl-C arrives as a signal."""
    controller, device = pty.openpty()
    fcntl.ioctl(device, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$0" "$@" <"$DEVICE" >"$DEVICE" 2>&1', sys.executable, "-m", "mlestar.cli", *arguments],
        cwd=cwd,
        env={**kept, "TERM": "xterm-256color", "DEVICE": os.ttyname(device), **environment},
        start_new_session=True,
    )
    shown = Terminal(controller, process)
    while not shown.raw and process.poll() is None:
        time.sleep(0.01)
    os.close(device)
    try:
        yield shown
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)
        os.close(controller)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "scope.yaml").write_text(SPEC)
    return folder


@pytest.mark.slow
def test_ctrl_c_twice_stops_at_once_and_no_control_codes_with_no_color(project: Path) -> None:
    with terminal("run", "scope.yaml", cwd=project, NO_COLOR="1") as shown:
        shown.wait_for(r"search, branch 0: best cross-validated so far 0\.9")
        shown.press(CTRL_C)
        shown.wait_for(r"ending early with the best so far \(Ctrl-C again to stop at once\)")
        shown.press(CTRL_C)
        assert shown.exit_status() == 130
        assert "Stopped; the same command goes on from there." in shown.text
        assert "\x1b" not in shown.raw
    assert not (project / "runs" / "cancer" / "solution.py").exists()


@pytest.mark.slow
def test_ctrl_c_once_ends_with_the_best_so_far(project: Path) -> None:
    with terminal("run", "scope.yaml", cwd=project) as shown:
        shown.wait_for(r"search +0 ━+.*0:\d\d +\d+ +0\.9")
        shown.press(CTRL_C)
        shown.wait_for("ending early with the best so far")
        assert shown.exit_status() == 0
        assert "Ended early, on request; the same command goes on from here." in shown.text
        assert re.search(r"Verdict +blessed", shown.text)
        assert not re.search(r"^.{81,}$", shown.text.partition("Ended early")[0].replace("\r", "\n"), re.MULTILINE)
    assert (project / "runs" / "cancer" / "solution.py").exists()


def test_help_in_a_terminal_has_colours_unless_they_are_not_wanted(tmp_path: Path) -> None:
    with (
        terminal("run", "--help", cwd=tmp_path) as coloured,
        terminal("run", "--help", cwd=tmp_path, NO_COLOR="1") as plain,
    ):
        assert coloured.exit_status() == plain.exit_status() == 0
    assert "\x1b[" in coloured.raw and "\x1b" not in plain.raw
    lines = [line.strip() for line in plain.raw.splitlines()]
    start = lines.index("Examples:")
    assert lines[start + 1] == "mlestar run churn.yaml"
    assert lines[start + 2] == "mlestar run churn.yaml --set budget.wall_clock=5m --out runs/quick"
