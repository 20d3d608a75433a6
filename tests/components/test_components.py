"""Every component declares what its stage takes, and what an orchestrator's cache has to know."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import operator
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import dsl

from mlestar.components.outputs import publish_metrics, publish_report, publish_score
from mlestar.engines.compiling import stale_assets
from mlestar.files import write_json
from mlestar.stages import STAGES


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def folder(checkout: Path, stage: str) -> Path:
    return checkout / "components" / stage


def component(stage: str) -> Any:
    return getattr(importlib.import_module(f"mlestar.components.{stage}"), stage)


def test_compiled_files_say_what_the_source_says() -> None:
    assert stale_assets(outer_steps=2) == []


def test_a_change_of_the_source_makes_the_compiled_files_stale(checkout: Path) -> None:
    assert stale_assets(outer_steps=3) == [checkout / "pipelines" / "star" / "star.yaml"]


def test_component_passes_on_what_its_stage_takes(folder: Path, stage: str) -> None:
    tree = ast.parse((folder / "component.py").read_text())
    [call] = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "run_stage"]
    name, arguments = call.args
    assert ast.literal_eval(name) == stage
    assert isinstance(arguments, ast.Dict)
    function = getattr(importlib.import_module(f"mlestar.stages.{stage}"), stage)
    needed = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is inspect.Parameter.empty
    ]
    assert {ast.literal_eval(key) for key in arguments.keys if key} == set(needed)


def test_component_can_be_imported_where_only_kfp_is(folder: Path) -> None:
    tree = ast.parse((folder / "component.py").read_text())
    modules = {
        name
        for node in tree.body
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    foreign = {name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names | {"kfp"}}
    assert foreign == {"mlestar.components.image"}


def test_changed_data_and_changed_code_are_changed_inputs(stage: str) -> None:
    assert {"fingerprint", "library"} <= component(stage).component_spec.inputs.keys()


def test_nothing_is_installed_at_run_time(folder: Path) -> None:
    text = (folder / "component.yaml").read_text()
    assert "pip install" not in text
    assert text.isascii()


def test_readme_names_every_input_and_output(folder: Path, stage: str) -> None:
    readme = (folder / "README.md").read_text()
    spec = component(stage).component_spec
    assert [name for name in [*spec.inputs, *spec.outputs] if f"| `{name}` |" not in readme] == []


def test_metadata_names_the_component(folder: Path, stage: str) -> None:
    assert yaml.safe_load((folder / "metadata.yaml").read_text())["name"] == stage


def test_image_is_the_one_the_environment_names() -> None:
    code = """
import json
from mlestar.components.search import search
container = search.component_spec.implementation.container
print(json.dumps(container.image))
"""
    environment = {**os.environ, "MLESTAR_IMAGE": "registry.example/team/mlestar:7"}
    output = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert json.loads(output.stdout) == "registry.example/team/mlestar:7"


VERDICT = {
    "verdict": "blessed",
    "metric": "roc_auc",
    "greater_is_better": True,
    "score": 0.9,
    "interval": [0.85, 0.95],
    "confidence": 0.95,
    "rows": 4,
    "cross_validation_score": 0.91,
    "baselines": {"plain": {"score": 0.88, "interval": [0.8, 0.9], "description": "HistGradientBoosting"}},
    "checks": [],
    "curves": {
        "roc": {
            "false_positive_rate": [0.0, 0.5, 1.0],
            "true_positive_rate": [0.0, 1.0, 1.0],
            "thresholds": [None, 0.5, 0.0],
        },
        "confusion": {"classes": ["no", "yes"], "matrix": [[2, 0], [1, 1]]},
    },
}


def artifacts(folder: Path) -> tuple[dsl.Metrics, dsl.ClassificationMetrics]:
    metrics = dsl.Metrics(name="metrics", uri=str(folder / "metrics"))
    return metrics, dsl.ClassificationMetrics(name="classification", uri=str(folder / "classification"))


def test_verdict_becomes_metrics(tmp_path: Path) -> None:
    write_json(tmp_path / "verdict.json", VERDICT)
    metrics, classification = artifacts(tmp_path)
    publish_metrics(str(tmp_path), metrics, classification)
    assert metrics.metadata["roc_auc"] == 0.9
    assert metrics.metadata["roc_auc_plain_baseline"] == 0.88
    assert len(classification.metadata["confidenceMetrics"]) == 3
    assert classification.metadata["confusionMatrix"]["rows"] == [{"row": [2, 0]}, {"row": [1, 1]}]


def test_regression_has_no_classification_metrics_but_a_file(tmp_path: Path) -> None:
    write_json(tmp_path / "verdict.json", {**VERDICT, "curves": {}})
    metrics, classification = artifacts(tmp_path)
    publish_metrics(str(tmp_path), metrics, classification)
    assert classification.metadata == {}
    assert json.loads(Path(classification.path).read_text()) == {}


@pytest.mark.parametrize(("greater_is_better", "is_good"), [(True, operator.gt), (False, operator.lt)])
def test_score_is_a_number_also_where_the_model_has_none(
    tmp_path: Path, greater_is_better: bool, is_good: Callable[[float, float], bool]
) -> None:
    for score in (0.9 if greater_is_better else 0.1, None):
        document = {**VERDICT, "score": score, "greater_is_better": greater_is_better}
        write_json(tmp_path / "verdict.json", document)
        publish_score(str(tmp_path), str(tmp_path / "score"))
        written = json.loads((tmp_path / "score").read_text())
        assert is_good(written, 0.5) is (score is not None)


def test_report_is_copied(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>report</p>")
    report = dsl.HTML(name="report", uri=str(tmp_path / "artifact"))
    publish_report(str(tmp_path), report)
    assert Path(report.path).read_text() == "<p>report</p>"
