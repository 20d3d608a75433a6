"""A stage that is forwarded to the stage server behaves as if the client had run it, and does not outlive anybody."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from mlestar.errors import DataError, MlestarError, SpecError
from mlestar.stages.environment import STAGE_SERVER
from mlestar.stages.server import StageFailure, forward, start

PATIENCE = 60  # seconds after which something that should have ended counts as hanging

SPEC = """
apiVersion: mlestar/v1
kind: Scope
name: example
data: {train: train.csv}
task: {target: y}
"""


@contextmanager
def running_server() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryFile() as log:
        address = Path(scratch) / "stages"
        process = start(address, log)
        try:
            yield str(address), process
        finally:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_server() as (address, _):
        yield address


def scope_arguments(folder: Path) -> dict[str, str]:
    directories = {f"{name}_dir": str(folder / name) for name in ("scope", "train", "holdout")}
    return {"spec": SPEC, "fingerprint": "0", "store": str(folder / "store"), **directories}


@contextmanager
def waiting_client(address: str, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """A client whose stage waits for the rest of a file; that file, a pipe, is open for writing."""
    os.mkfifo(folder / "scope.json")
    directories = {f"{name}_dir": str(folder) for name in ("scope", "train", "candidates")}
    arguments = {**directories, "branch": 0, "store": str(folder)}
    client = subprocess.Popen(
        [sys.executable, "-c", f"from mlestar.stages import run_stage; run_stage('search', {arguments})"],
        env={**os.environ, STAGE_SERVER: address},
        stderr=subprocess.PIPE,
    )
    try:
        with (folder / "scope.json").open("wb", buffering=0) as file:  # returns when the stage has opened it
            yield client, file
    finally:
        client.kill()
        client.communicate()


def assert_reader_ends(file: IO[bytes]) -> None:
    poll = select.poll()
    poll.register(file, select.POLLERR)
    assert poll.poll(PATIENCE * 1000), "the stage still holds its file"


def test_users_mistake_comes_back_as_raised(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match=r"data\.train: train\.csv: no such file"):
        forward(server, "scope", scope_arguments(tmp_path))


def test_stage_runs_in_the_clients_directory(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.csv").touch()
    with pytest.raises(DataError, match="the file is empty"):
        forward(server, "scope", scope_arguments(tmp_path))


def test_our_failure_comes_back_with_its_type(server: str, tmp_path: Path) -> None:
    with pytest.raises(StageFailure, match=r"stage scope: \w+Error: "):
        forward(server, "scope", {**scope_arguments(tmp_path), "spec": ["no", "text"]})


def test_stage_writes_where_the_client_does(server: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MlestarError, match="no stage 'deploy'"):
        forward(server, "deploy", {})
    assert "Traceback" in capfd.readouterr().err


def test_stage_reports_to_the_clients_events(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = tmp_path / "events.jsonl"
    monkeypatch.setenv("MLESTAR_EVENTS", str(events))
    with pytest.raises(MlestarError):
        forward(server, "deploy", {})
    assert '"event": "stage_failed"' in events.read_text()


def test_no_server_is_a_failure_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StageFailure, match="is gone"):
        forward(str(tmp_path / "nobody"), "scope", {})


def test_stage_ends_with_its_client(server: str, tmp_path: Path) -> None:
    with waiting_client(server, tmp_path) as (client, file):
        client.kill()
        assert_reader_ends(file)


def test_stage_ends_with_the_server_and_the_client_learns_of_it(tmp_path: Path) -> None:
    with running_server() as (address, process), waiting_client(address, tmp_path) as (client, file):
        process.send_signal(signal.SIGKILL)
        assert_reader_ends(file)
        assert b"ended without an answer" in client.communicate(timeout=PATIENCE)[1]


def test_server_and_stage_end_with_the_process_that_started_the_server(tmp_path: Path) -> None:
    with running_server() as (address, process), waiting_client(address, tmp_path) as (_, file):
        assert process.stdin is not None
        process.stdin.close()  # as the kernel does when a process dies
        process.wait(PATIENCE)
        assert_reader_ends(file)
