"""Folders for the files of one process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlestar.private_folders import private_folder

HOLDING = """
import sys
from mlestar.private_folders import private_folder

with private_folder() as folder:
    (folder / "rows.arrow").write_text("rows")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_folder_goes_with_the_process_or_when_the_next_one_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        held = Path(process.stdout.readline().strip())
        with private_folder() as own:
            assert own.stat().st_mode & 0o777 == 0o700
            assert (held / "rows.arrow").read_text() == "rows"
        assert not own.exists()
        process.kill()
    assert held.exists()
    with private_folder():
        assert not held.exists()
    assert list(tmp_path.iterdir()) == []
