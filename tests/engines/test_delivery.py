"""What stands on top of a run's folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlestar.engines.local.delivery import deliver
from mlestar.engines.local.folder import RunFolder

TESTED = ("solution.py", "test_solution.py", "sample.csv")


def model(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in (*names, "report.html", "verdict.json", "metrics.json"):
        (folder / name).write_text(f"{folder.name} {name}", encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run that has delivered a program with its tests."""
    (tmp_path / "run").mkdir()
    found = RunFolder(tmp_path / "run")
    final = model(tmp_path / "first", *TESTED)
    deliver({"final": str(final), "model": None, "evidence": str(model(tmp_path / "verdict"))}, found)
    return found


def test_tests_and_sample_stand_beside_the_program(folder: RunFolder) -> None:
    assert [(folder.out / name).read_text(encoding="utf-8") for name in TESTED] == [f"first {each}" for each in TESTED]


@pytest.mark.parametrize("blessed", [True, False])
def test_rows_of_an_earlier_run_do_not_stay_beside_a_program_without_tests(folder: RunFolder, blessed: bool) -> None:
    path = str(model(folder.out.parent / "second", "solution.py"))
    deliver({"final": path if blessed else None, "model": path, "evidence": path}, folder)
    assert folder.program.read_text(encoding="utf-8") == "second solution.py"
    assert not folder.tests.exists()
    assert not folder.sample.exists()


def test_the_verdict_is_that_of_the_model(folder: RunFolder) -> None:
    assert (folder.out / "verdict.json").read_text(encoding="utf-8") == "verdict verdict.json"
    path = str(model(folder.out.parent / "second", "solution.py"))
    deliver({"final": None, "model": path, "evidence": path}, folder)
    assert (folder.out / "verdict.json").read_text(encoding="utf-8") == "second verdict.json"


def test_pytest_finds_the_tests_once(folder: RunFolder) -> None:
    for place in (folder.out, folder.model, folder.out / "pipeline" / "artifacts"):
        place.mkdir(parents=True, exist_ok=True)
        (place / "test_solution.py").write_text("def test_it():\n    pass\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder.out, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout
