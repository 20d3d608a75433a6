"""A disk that is full, cannot be written to or is gone costs one clear line, and a later run goes on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from mlestar.errors import StorageError
from mlestar.evaluation import EvaluationStore, Limits, Record

MOUNTING = ("unshare", "--user", "--map-root-user", "--mount")
LIMITS = Limits(seconds=10, memory_mb=500)


def mounted(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """A shell script that may mount file systems over what is in ``folder``."""
    able = subprocess.run([*MOUNTING, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    if able.returncode:
        pytest.skip("this machine lets nobody mount a file system in a namespace of their own")
    return subprocess.run([*MOUNTING, "sh", "-ec", script], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_full_disk_is_named_and_the_next_run_goes_on(project: Any, assert_same: Callable[[Any], None]) -> None:
    run = " ".join(project.command())
    project.out.mkdir()
    done = mounted(
        project.folder,
        f"""
        mount -t tmpfs -o size=600k none out
        {run} > first || echo $? > status
        cp out/logs/events.jsonl events
        mount -o remount,size=100m out
        {run} > second || test $? -eq 1
        cp -r out kept
        """,
    )
    assert (project.folder / "status").read_text() == "2\n", done.stderr
    assert "No space left on device; make room there" in done.stderr
    assert done.stderr.count("\n") == 1
    assert '"event": "evaluated"' in (project.folder / "events").read_text()
    project.out.rmdir()
    (project.folder / "kept").rename(project.out)
    assert_same(project)


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_to_is_named(project: Any) -> None:
    project.out.mkdir()
    done = mounted(project.folder, f"mount -t tmpfs -o ro none out; {' '.join(project.command())}")
    assert done.returncode == 2
    assert f"{project.out}" in done.stderr
    assert "Read-only file system; make it writable" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_folder_that_is_removed_during_a_run_is_named(project: Any) -> None:
    running = project.start()
    running.wait_for("evaluating", stage="search")
    while project.out.exists():  # the run may write into it meanwhile
        shutil.rmtree(project.out, ignore_errors=True)
    status, errors = running.end()
    assert (status, errors.count("\n")) == (2, 1)
    assert f"{project.out}: was removed" in errors


def test_a_store_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    store = EvaluationStore(str(tmp_path / "store"))
    for attempt in (lambda: store.get("00", LIMITS), lambda: store.put("00", Record("failed", LIMITS))):
        with pytest.raises(StorageError, match=r"store.*let it be a folder.*run the same command again"):
            attempt()


def test_a_store_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    store = EvaluationStore("memory://unreachable")

    def refuse(*_: object) -> None:
        raise RuntimeError("503 Service Unavailable")  # as the library of a cloud raises it

    monkeypatch.setattr(MemoryFileSystem, "cat_file", refuse)
    with pytest.raises(StorageError, match=r"unreachable: .*503 Service Unavailable.*--store"):
        store.get("00", LIMITS)


def test_a_store_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    store = EvaluationStore(str(tmp_path / "store"))
    store.put("00", Record("failed", LIMITS, "reason"))
    shutil.rmtree(tmp_path / "store")
    assert store.get("00", LIMITS) is None
    store.put("00", Record("failed", LIMITS, "reason"))
    assert store.get("00", LIMITS) is not None
