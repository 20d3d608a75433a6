"""What the program says when something is wrong: one line with the remedy, and a status that says whose fault it is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

SPEC = """\
apiVersion: mlestar/v1
kind: Scope
name: cancer
data:
  train: sklearn:breast_cancer
task:
  target: target
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "scope.yaml"
    path.write_text(SPEC)
    return path


def assert_one_line(done: subprocess.CompletedProcess[str], pattern: str) -> None:
    assert done.returncode == 2, done.stderr
    [line] = done.stderr.splitlines()
    assert re.search(pattern, line), line


def test_spec_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    assert_one_line(cli("run", "scope.yaml", cwd=tmp_path), r"scope\.yaml: no such file")


def test_table_in_the_place_of_a_spec(cli: Cli, churn: Path) -> None:
    done = cli("run", "train.csv", cwd=churn.parent)
    assert_one_line(done, r"train\.csv: is a table, not a scope spec; `mlestar init train\.csv --target COLUMN`")


def test_unknown_field_is_named_with_its_line(cli: Cli, spec: Path) -> None:
    spec.write_text(SPEC + "  metrik: roc_auc\n")
    assert_one_line(cli("run", spec), r"scope\.yaml:8: .*metrik.*did you mean 'metric'")


@pytest.fixture
def churn(tmp_path: Path) -> Path:
    """A spec beside its data."""
    (tmp_path / "train.csv").write_text("customerID,tenure,contract,Churn\n7590-VHVEG,1,monthly,No\n")
    (tmp_path / "test.csv").write_text("tenure,contract\n34,yearly\n")
    path = tmp_path / "churn.yaml"
    path.write_text(SPEC.replace("sklearn:breast_cancer", "train.csv\n  test: test.csv").replace(": target", ": Churn"))
    return path


@pytest.mark.parametrize(
    ("setting", "pattern"),
    [
        (("target: Churn", "target: churned"), r"churn\.yaml:8: task\.target: .*'churned'; did you mean 'Churn'\?"),
        (("target: Churn", "target: Churn\n  time: tenur"), r":9: task\.time: .*'tenur'; did you mean 'tenure'\?"),
        (("target: Churn", "target: Churn\n  metric: rocauc"), r":9: task\.metric: .* did you mean 'roc_auc'\?"),
        (("train: train.csv", "train: trian.csv"), r":5: data\.train: .*trian\.csv: no such file; did you mean 'train"),
        (
            ("test: test.csv", "test: tests.csv"),
            r":6: data\.test: .*tests\.csv: no such file; did you mean 'test\.csv'",
        ),
        (("task:", "validation: {checks: {latncy: off}}\ntask:"), r":7: validation\.checks\.latncy: .*'latency'"),
    ],
)
def test_mistake_that_the_header_shows_is_placed_and_leaves_nothing(
    cli: Cli, churn: Path, setting: tuple[str, str], pattern: str
) -> None:
    churn.write_text(churn.read_text().replace(*setting))
    assert_one_line(cli("run", churn, cwd=churn.parent), pattern)
    assert not (churn.parent / "runs").exists()


def test_column_that_only_the_training_data_has(cli: Cli, churn: Path) -> None:
    (churn.parent / "test.csv").write_text("tenure,contracts\n34,yearly\n")
    done = cli("run", churn, cwd=churn.parent)
    assert_one_line(done, r"churn\.yaml:6: data\.test: .*has no column 'contract', .*did you mean 'contracts'\?")


def test_folder_of_another_scope(cli: Cli, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text('{"schema_version": 1, "scope": {"name": "prices"}}')
    assert_one_line(cli("run", spec, "--out", tmp_path / "out"), "holds a run of 'prices', not of 'cancer'; .*--out")


def test_stage_that_does_not_exist(cli: Cli) -> None:
    assert_one_line(cli("stage", "deploy"), "no stage 'deploy'; the stages are scope, search")


def test_stage_without_its_arguments(cli: Cli) -> None:
    assert_one_line(cli("stage", "scope", "--spec", "x"), "argument 'fingerprint' is missing")


@pytest.mark.parametrize("option", ["scope-dir", "--store"])
def test_option_without_a_value(cli: Cli, option: str) -> None:
    assert_one_line(cli("stage", "search", option), re.escape(repr(option)))


def test_number_that_is_none(cli: Cli) -> None:
    assert_one_line(cli("stage", "search", "--branch", "first"), "--branch first: is not a whole number")


def test_setting_that_does_not_change_what_is_compiled(cli: Cli) -> None:
    assert_one_line(cli("compile", "--set", "budget.wall_clock=60s"), r"no effect .* pipeline\.outer_steps=3")
    assert_one_line(cli("compile", "--set", "pipeline.outer_steps=7"), "write a number from 1 to 6")


def test_folder_without_a_model(cli: Cli, tmp_path: Path) -> None:
    done = cli("predict", tmp_path, "data.csv", "--out", tmp_path / "predictions.csv")
    assert_one_line(done, "holds no model.json; name a model directory")


def test_predictions_that_would_be_a_folder(cli: Cli, tmp_path: Path) -> None:
    done = cli("predict", tmp_path, "data.csv", "--out", tmp_path)
    assert_one_line(done, "is a folder; name the file to write, such as .*predictions.csv")


def test_report_of_a_folder_without_a_run(cli: Cli, tmp_path: Path) -> None:
    assert_one_line(cli("report", tmp_path), "holds no finished run")


def test_our_failure_names_a_log_with_the_details(cli: Cli, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text("{")
    done = cli("run", spec, "--out", tmp_path / "out")
    assert done.returncode == 3
    [line] = done.stderr.splitlines()
    log = Path(line.rpartition("the log is ")[2])
    assert "Traceback" in log.read_text()
    log.unlink()


@pytest.mark.parametrize("arguments", [("scope.yaml",), ("scope.yaml", "--storre", "x"), ()])
def test_machines_are_told_of_mistakes_as_well(cli: Cli, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = cli("run", "--json", *arguments, cwd=tmp_path)
    assert_one_line(done, "scope.yaml: no such file|No such option: --storre .*--store|Missing argument 'SPEC'; see")
    [line] = done.stdout.splitlines()
    outcome = json.loads(line)
    assert (outcome["event"], outcome["exit_status"]) == ("outcome", 2)
    assert done.stderr == f"mlestar: {outcome['message']}\n"


def test_help_lists_the_commands(cli: Cli) -> None:
    done = cli("--help")
    assert done.returncode == 0
    for command in ("init", "run", "predict", "report", "doctor", "stage", "compile", "schema"):
        assert re.search(rf"^\W*{command}\s", done.stdout, re.MULTILINE)


def test_help_loads_neither_an_orchestrator_nor_modelling_libraries(cli: Cli) -> None:
    code = "import sys; sys.argv = ['mlestar', '--help']; import mlestar.cli.app; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"kfp", "pandas", "numpy", "sklearn", "pydantic"}.isdisjoint(loaded)
