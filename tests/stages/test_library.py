"""What a search starts from: what shipped for related tasks, and in an earlier run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer, load_wine

from mlestar.data import Task
from mlestar.errors import DataError
from mlestar.files import read_json
from mlestar.stages.library import related

RunStages = Callable[..., Any]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("library")


@pytest.fixture(scope="module")
def first(run_stages: RunStages, library: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run on every other patient, which has published what it shipped."""
    patients = load_breast_cancer(as_frame=True).frame.iloc[::2]
    return run_stages(
        tmp_path_factory.mktemp("first"),
        patients,
        task={"target": "target", "metric": "log_loss"},
        pipeline={"branches": 1, "outer_steps": 1, "inner_steps": 2, "block_library": str(library)},
    )


@pytest.fixture(scope="module")
def search_others(first: Any, search: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """``search_others(pipeline, table)``: the search on the other patients; returns the directories of the run."""
    others = load_breast_cancer(as_frame=True).frame.iloc[1::2]

    def run(pipeline: dict[str, Any]) -> Path:
        root = tmp_path_factory.mktemp("second")
        others.to_csv(root / "train.csv", index=False)
        search(
            root,
            str(root / "train.csv"),
            task={"target": "target", "metric": "log_loss"},
            validation={"folds": 3},
            budget={"evaluations": 60},
            pipeline={"branches": 1, **pipeline},
        )
        return root

    return run


def shipped_models(run: Any) -> list[str]:
    """The models of what a run has shipped."""
    found = read_json(run.final / "candidates.json")["candidates"]
    members = {each["id"] for each in read_json(run.final / "ensemble.json")["members"]}
    return sorted(each["recipes"]["model"] for each in found if each["id"] in members)


@pytest.mark.parametrize("field", ["block_library", "warm_start"])
def test_a_search_starts_from_what_shipped_before(
    first: Any, library: Path, search_others: Callable[..., Path], field: str
) -> None:
    places = {"block_library": str(library), "warm_start": str(first.final)}
    root = search_others({field: places[field]})
    tried = read_json(root / "candidates" / "candidates.json")["candidates"]
    named = {"block_library": "library: example", "warm_start": "warm start"}[field]
    starts = sorted(tried, key=lambda each: each["order"])[: len(shipped_models(first))]
    assert all(each["name"].startswith(named) for each in starts)
    assert sorted(each["recipes"]["model"] for each in starts) == shipped_models(first)
    assert starts[0]["status"] == "ok"
    [spent] = read_json(root / "candidates" / "history.json")["spent"]
    assert spent["evaluations"] == sum(len(each["fold_scores"]) for each in tried)  # nothing is charged twice


def test_a_library_has_the_best_of_every_model_and_nothing_of_the_data(first: Any, library: Path) -> None:
    entry = (library / next(each.name for each in library.iterdir())).read_text(encoding="utf-8")
    found = [each["blocks"]["model"]["name"] for each in json.loads(entry)["members"]]
    tried = {
        each["recipes"]["model"]
        for each in read_json(first.final / "candidates.json")["candidates"]
        if each["status"] == "ok"
    }
    assert len(tried) > 1
    assert set(found) == tried
    assert "worst" not in entry  # as in the names of columns


def test_tasks_of_another_kind_find_nothing(first: Any, library: Path) -> None:
    task = Task.model_validate(read_json(first.scope / "scope.json")["task"])
    assert related(str(library), task)[0]
    assert related(str(library), task.model_copy(update={"type": "regression", "classes": ()})) == ([], [])


def test_a_block_that_breaks_the_contract_is_left_out_with_its_entry(first: Any, library: Path, tmp_path: Path) -> None:
    entry = json.loads(next(library.iterdir()).read_text(encoding="utf-8"))
    entry["members"][0]["blocks"]["model"]["source"] = "def model(:"
    (tmp_path / "forged.json").write_text(json.dumps(entry), encoding="utf-8")
    task = Task.model_validate(read_json(first.scope / "scope.json")["task"])
    assert related(str(tmp_path), task) == ([], ["forged.json"])


def test_what_is_no_entry_is_left_out_and_named(search_others: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text('{"by": "somebody else"}', encoding="utf-8")
    (tmp_path / "README.md").write_text("ours", encoding="utf-8")
    root = search_others({"block_library": str(tmp_path)})
    [warning] = [each for each in read_json(root / "scope" / "scope.json")["warnings"] if "library" in each]
    assert "notes.json is no entry" in warning


def test_a_folder_without_a_program_is_named(search_others: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no solution\.py; name the folder of a run that has ended"):
        search_others({"warm_start": str(tmp_path)})


def test_a_recipe_that_does_not_suit_the_task_is_left_out(
    first: Any, search: Callable[..., Any], tmp_path: Path
) -> None:
    """Three wines by their numbers, started from two kinds of tumours."""
    load_wine(as_frame=True).frame.to_csv(tmp_path / "train.csv", index=False)
    search(
        tmp_path,
        str(tmp_path / "train.csv"),
        task={"target": "target", "metric": "accuracy"},
        validation={"folds": 3},
        budget={"evaluations": 12},
        pipeline={"branches": 1, "warm_start": str(first.final / "solution.py")},
    )
    tried = read_json(tmp_path / "candidates" / "candidates.json")["candidates"]
    assert any(each["name"].startswith("warm start") and each["status"] == "ok" for each in tried)
