"""The compiled STAR pipeline: its tasks, what feeds them, and what orchestrators ask of the file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

from mlestar.engines.compiling import compile_pipeline


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compiled") / "star.yaml"
    compile_pipeline(path, outer_steps=3)
    return path


@pytest.fixture(scope="module")
def pipeline(compiled: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(compiled.read_text())  # one document: Vertex AI reads no second one
    return document


def tasks_of(pipeline: dict[str, Any], task: str) -> dict[str, Any]:
    """The tasks inside a task that is a DAG itself."""
    component = pipeline["root"]["dag"]["tasks"][task]["componentRef"]["name"]
    tasks: dict[str, Any] = pipeline["components"][component]["dag"]["tasks"]
    return tasks


def producers(task: dict[str, Any]) -> dict[str, str]:
    """Where the artifacts of a task come from: the task that makes them, or the surrounding DAG's input."""
    return {
        name: source["taskOutputArtifact"]["producerTask"]
        if "taskOutputArtifact" in source
        else source["componentInputArtifact"]
        for name, source in task["inputs"]["artifacts"].items()
    }


def test_stages_are_the_nodes_of_the_dag(pipeline: dict[str, Any]) -> None:
    assert set(pipeline["root"]["dag"]["tasks"]) == {"scope", "for-loop-1", "ensemble", "validate", "condition-2"}


def test_outer_steps_are_unrolled_and_named(pipeline: dict[str, Any]) -> None:
    names = [task["taskInfo"]["name"] for task in tasks_of(pipeline, "for-loop-1").values()]
    assert sorted(names) == sorted(
        ["search"] + [f"{stage}-{step}" for step in (1, 2, 3) for stage in ("ablate", "refine")]
    )


def test_every_step_goes_on_from_the_step_before(pipeline: dict[str, Any]) -> None:
    tasks = tasks_of(pipeline, "for-loop-1")
    assert producers(tasks["ablate"])["candidates"] == "search"
    assert producers(tasks["refine"])["ablated"] == "ablate"
    assert producers(tasks["ablate-2"])["candidates"] == "refine"
    assert producers(tasks["refine-3"])["ablated"] == "ablate-3"


def test_branches_are_a_list_parameter_of_the_run(pipeline: dict[str, Any]) -> None:
    assert pipeline["root"]["inputDefinitions"]["parameters"]["branches"]["parameterType"] == "LIST"
    loop = pipeline["components"]["comp-for-loop-1"]["inputDefinitions"]["parameters"]
    assert loop["pipelinechannel--branches-loop-item"]["parameterType"] == "NUMBER_INTEGER"


def test_ensemble_collects_the_last_candidates_of_all_branches(pipeline: dict[str, Any]) -> None:
    outputs = pipeline["components"]["comp-for-loop-1"]["dag"]["outputs"]["artifacts"]
    [selected] = [selector for output in outputs.values() for selector in output["artifactSelectors"]]
    assert selected == {"outputArtifactKey": "refined", "producerSubtask": "refine-3"}
    assert producers(pipeline["root"]["dag"]["tasks"]["ensemble"])["branches"] == "for-loop-1"


def test_only_a_blessed_model_is_finalized(pipeline: dict[str, Any]) -> None:
    gate = pipeline["root"]["dag"]["tasks"]["condition-2"]
    assert gate["triggerPolicy"]["condition"] == (
        "inputs.parameter_values['pipelinechannel--validate-Output'] == 'blessed'"
    )
    assert set(tasks_of(pipeline, "condition-2")) == {"finalize"}


def test_holdout_is_opened_by_validate_and_finalize_only(pipeline: dict[str, Any]) -> None:
    stages = {
        **tasks_of(pipeline, "for-loop-1"),
        **tasks_of(pipeline, "condition-2"),
        **pipeline["root"]["dag"]["tasks"],
    }
    opened = {name for name, task in stages.items() if "holdout" in task.get("inputs", {}).get("artifacts", {})}
    assert opened == {"validate", "finalize"}


def test_orchestrators_can_read_the_file(compiled: Path, pipeline: dict[str, Any]) -> None:
    assert compiled.read_bytes().isascii()  # the database of Kubeflow Pipelines may take nothing else
    spec = json_format.ParseDict(pipeline, PipelineSpec())
    assert spec.pipeline_info.name == "star"


def test_compiling_gives_the_same_bytes_in_every_process(compiled: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.yaml"
    arguments = ["compile", "--out", str(again), "--set", "pipeline.outer_steps=3"]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-m", "mlestar.cli", *arguments], env=environment, check=True)
    assert again.read_bytes() == compiled.read_bytes()
