"""A folder belongs to the runs of one scope, one run at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlestar.engines.local import RunFolder
from mlestar.errors import DataError, MlestarError

SCOPE = {"name": "churn", "task": {"target": "Churn"}}


def test_runs_of_one_scope_share_a_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    for _ in range(2):
        with folder.claimed(SCOPE):
            assert folder.artifacts.is_dir()


def test_folder_of_another_target_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    with folder.claimed(SCOPE):
        folder.record_scope(SCOPE)
    other = {**SCOPE, "task": {"target": ["Churn", "Months"]}}
    refusal = r"a run for the target 'Churn', not for the target \['Churn', 'Months'\]; .*--out"
    with pytest.raises(MlestarError, match=refusal), folder.claimed(other):
        pass


def test_changes_name_the_fields_that_differ_from_what_was_delivered(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    with folder.claimed(SCOPE):
        assert folder.changes(SCOPE) == []  # nothing was delivered yet
        folder.record_scope({**SCOPE, "seed": 0})
        assert folder.changes({**SCOPE, "seed": 0}) == []
        changed = {**SCOPE, "seed": 1, "budget": {"wall_clock": 60.0}}
        assert folder.changes(changed) == ["budget.wall_clock", "seed"]


def test_folder_of_another_scope_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    with folder.claimed(SCOPE):
        pass
    with (
        pytest.raises(MlestarError, match=r"holds a run of 'churn', not .*'prices'.*--out"),
        folder.claimed({**SCOPE, "name": "prices"}),
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


def test_mistake_found_before_anything_was_produced_leaves_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "churn")
    with pytest.raises(DataError), folder.claimed(SCOPE):
        folder.log("kfp").touch()
        raise DataError("train.csv: has a header but no rows; is this the right file?")
    assert list(tmp_path.iterdir()) == []


def test_mistake_leaves_an_empty_folder_and_its_neighbours_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "runs" / "churn").mkdir(parents=True)
    (tmp_path / "runs" / "prices").mkdir()
    with pytest.raises(DataError), RunFolder(tmp_path / "runs" / "churn").claimed(SCOPE):
        raise DataError("train.csv: has a header but no rows; is this the right file?")
    assert sorted(path.name for path in (tmp_path / "runs").rglob("*")) == ["churn", "prices"]


def finish_task(folder: RunFolder, run: str, task: str) -> Path:
    """What the orchestrator leaves of a task: its output, and the entry of its cache that refers to it."""
    output = start_task(folder, run, task)
    entry = {task: {"__kfp_artifact__": True, "uri": str(output), "metadata": {}}, "score": 0.9}
    (folder.cache / f"{run}-{task}.json").write_text(json.dumps(entry))
    return output


def start_task(folder: RunFolder, run: str, task: str) -> Path:
    output = folder.artifacts / run / "for-loop-1-iteration-0" / task / "candidates"
    output.mkdir(parents=True)
    (output.parent / "executor_output.json").touch()
    return output


def test_only_outputs_of_finished_tasks_are_kept(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    with folder.claimed(SCOPE):
        kept = finish_task(folder, "star-1", "search")
        stale = [start_task(folder, "star-1", "ablate"), start_task(folder, "star-2", "search")]
        folder.discard_unused()
        assert kept.is_dir()
        assert (kept.parent / "executor_output.json").is_file()
        assert not any(path.parent.exists() for path in stale)
        assert [path.name for path in folder.artifacts.iterdir()] == ["star-1"]


def test_mistake_in_a_later_run_keeps_what_the_earlier_ones_finished(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    with folder.claimed(SCOPE):
        kept = finish_task(folder, "star-1", "search")
        folder.record_scope({**SCOPE, "seed": 1})
    before = folder.record.read_bytes()
    with pytest.raises(DataError), folder.claimed(SCOPE):
        stale = start_task(folder, "star-2", "search")
        raise DataError("train.csv: has a header but no rows; is this the right file?")
    assert kept.is_dir()
    assert not stale.exists()
    assert folder.record.read_bytes() == before


def test_outputs_are_known_by_another_path_to_the_folder(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "out").claimed(SCOPE):
        kept = finish_task(RunFolder(tmp_path / "out"), "star-1", "search")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    RunFolder(tmp_path / "link").discard_unused()
    assert kept.is_dir()
