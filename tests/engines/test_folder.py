"""A folder belongs to the runs of one scope, one run at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlestar.engines.local import RunFolder
from mlestar.errors import MlestarError

SCOPE = {"name": "churn"}


def test_runs_of_one_scope_share_a_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    for _ in range(2):
        with folder.claimed(SCOPE):
            assert folder.artifacts.is_dir()


def test_folder_of_another_scope_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    with folder.claimed(SCOPE):
        pass
    with (
        pytest.raises(MlestarError, match=r"holds a run of 'churn', not .*'prices'.*--out"),
        folder.claimed({"name": "prices"}),
    ):
        pass


def test_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("text")
    with pytest.raises(MlestarError, match="not empty and holds no run"), RunFolder(tmp_path).claimed(SCOPE):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.touch()
    with pytest.raises(MlestarError, match="is a file"), RunFolder(file).claimed(SCOPE):
        pass


def test_second_run_at_the_same_time_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    with folder.claimed(SCOPE), pytest.raises(MlestarError, match="another run is using"), folder.claimed(SCOPE):
        pass


def test_folder_without_a_finished_run_has_no_outputs(tmp_path: Path) -> None:
    with pytest.raises(MlestarError, match="no finished run"):
        RunFolder(tmp_path).finished()
