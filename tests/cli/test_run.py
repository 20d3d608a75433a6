"""The whole way on real data: from a scope spec to a model, its program, predictions and a report."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

SPEC = """\
apiVersion: mlestar/v1
kind: Scope
name: cancer
data:
  train: train.csv
  test: test.csv
task:
  target: diagnosis
  metric: roc_auc
  id: patient
budget:
  evaluations: 60
pipeline:
  outer_steps: 1
"""


@pytest.fixture(scope="module")
def truth() -> pd.Series:
    """Diagnoses of the rows of test.csv, which no run is given."""
    data = load_breast_cancer(as_frame=True)
    return pd.Series(data.target_names[data.target], index=data.data.index)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, truth: pd.Series) -> Path:
    """A user's folder: a spec, and the data beside it."""
    folder = tmp_path_factory.mktemp("project")
    frame = load_breast_cancer(as_frame=True).data.assign(diagnosis=truth)
    frame.insert(0, "patient", [f"patient-{number}" for number in frame.index])
    train, test = train_test_split(frame, test_size=0.25, random_state=0)
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns="diagnosis").to_csv(folder / "test.csv", index=False)
    (folder / "scope.yaml").write_text(SPEC)
    return folder


@pytest.fixture(scope="module")
def first(cli: Cli, project: Path) -> subprocess.CompletedProcess[str]:
    """The first run, into runs/cancer."""
    return cli("run", "scope.yaml", cwd=project)


@pytest.fixture(scope="module")
def out(project: Path, first: subprocess.CompletedProcess[str]) -> Path:
    assert first.returncode == 0, first.stdout + first.stderr
    return project / "runs" / "cancer"


def evaluations(out: Path) -> int:
    """Fits that were executed for this folder, by the records in its store."""
    return sum(1 for path in (out / "store").rglob("*.npz"))


def test_run_ends_with_score_verdict_and_where_everything_is(
    first: subprocess.CompletedProcess[str], out: Path
) -> None:
    assert re.search(r"Score +roc_auc 0\.9\d+ on \d+ holdout rows \(95% interval 0\.\d+ to [01]\.?\d*", first.stdout)
    assert re.search(r"^ +roc_auc 0\.9\d+ cross-validated", first.stdout, re.MULTILINE)
    assert re.search(r"Verdict +blessed", first.stdout)
    shown = dict(re.findall(r"^(Model|Program|Report|Predictions) +(\S+)$", first.stdout, re.MULTILINE))
    assert shown == {
        "Model": "runs/cancer/model",
        "Program": "runs/cancer/solution.py",
        "Report": "runs/cancer/report.html",
        "Predictions": "runs/cancer/predictions.csv",
    }
    assert all((out.parents[1] / path).exists() for path in shown.values())


def test_lines_tell_what_happens_where_there_is_no_terminal(first: subprocess.CompletedProcess[str], out: Path) -> None:
    for stage in (
        "scope",
        "search, branch 0",
        "search, branch 1",
        "refine 1, branch 1",
        "ensemble",
        "validate",
        "finalize",
    ):
        assert f"{stage}: finished" in first.stdout
    ends = re.findall(r"^.* (?:search|ablate 1|refine 1), branch \d: finished .*$", first.stdout, re.MULTILINE)
    assert len(ends) == 6
    assert all(re.search(r"; \d+ tried, best cross-validated 0\.\d+", end) for end in ends)


def test_predictions_are_good_and_keep_the_id(out: Path, truth: pd.Series) -> None:
    predictions = pd.read_csv(out / "predictions.csv")
    assert list(predictions) == ["patient", "prediction", "probability_benign", "probability_malignant"]
    rows = predictions["patient"].str.removeprefix("patient-").astype(int)
    assert roc_auc_score(truth[rows] == "malignant", predictions["probability_malignant"]) > 0.97


def test_unchanged_run_executes_nothing_and_gives_the_same(cli: Cli, project: Path, out: Path) -> None:
    before, program = evaluations(out), (out / "solution.py").read_bytes()
    predictions = (out / "predictions.csv").read_bytes()
    again = cli("run", "scope.yaml", cwd=project)
    assert again.returncode == 0, again.stderr
    assert "every stage was reused" in again.stdout
    assert evaluations(out) == before
    assert (out / "solution.py").read_bytes() == program
    assert (out / "predictions.csv").read_bytes() == predictions


def events_of(out: Path) -> list[dict[str, Any]]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    lines = (out / "logs" / "events.jsonl").read_text().splitlines()
    return [json.loads(line, parse_constant=refuse) for line in lines]


def test_events_say_of_each_stage_what_it_may_spend_and_what_it_tries(out: Path) -> None:
    events = events_of(out)
    stages = {"search", "ablate", "refine", "ensemble", "validate", "finalize"}
    assert {event["stage"] for event in events if event["event"] == "budgeted"} == stages
    assert {event["stage"] for event in events if event["event"] == "evaluating" and event["name"]} == {
        "scope",
        *stages,
    }
    shares = [event["share"] for event in events if event["event"] == "evaluated" and event["stage"] == "search"]
    assert shares and all(0 <= share <= 1 for share in shares)


def test_last_line_for_machines_is_the_outcome(cli: Cli, project: Path, out: Path) -> None:
    done = cli("run", "scope.yaml", "--json", cwd=project)
    *events, outcome = [json.loads(line) for line in done.stdout.splitlines()]
    assert all("time" in event for event in events)
    assert (done.returncode, outcome["event"], outcome["verdict"], outcome["stages_run"]) == (
        0,
        "outcome",
        "blessed",
        0,
    )
    assert outcome["interval"][0] < outcome["score"] <= outcome["interval"][1]
    assert {name: Path(place).exists() for name, place in outcome["places"].items()} == dict.fromkeys(
        ("model", "program", "report", "predictions"), True
    )


def test_model_directory_predicts_the_same_as_the_run(cli: Cli, project: Path, out: Path, tmp_path: Path) -> None:
    done = cli("predict", out / "model", "test.csv", "--out", tmp_path / "predictions.csv", cwd=project)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "predictions.csv").read_bytes() == (out / "predictions.csv").read_bytes()


def test_a_table_in_which_no_number_of_a_column_can_be_read_is_refused(
    cli: Cli, project: Path, out: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(project / "test.csv", dtype=str)
    name = table.columns[-1]
    table[name] = table[name].str.replace(".", ",")
    table.to_csv(tmp_path / "commas.csv", index=False)
    done = cli("predict", out, tmp_path / "commas.csv", "--out", tmp_path / "predictions.csv", cwd=project)
    assert done.returncode == 2
    assert f"column '{name}' holds nothing that can be read, such as '" in done.stderr
    assert not (tmp_path / "predictions.csv").exists()


def test_values_that_cannot_be_read_are_told(cli: Cli, project: Path, out: Path, tmp_path: Path) -> None:
    table = pd.read_csv(project / "test.csv", dtype=str)
    name = table.columns[-1]
    table[name] = "abc"
    table.to_csv(tmp_path / "spoilt.csv", index=False)
    done = cli("predict", out, tmp_path / "spoilt.csv", "--out", tmp_path / "predictions.csv", cwd=project)
    assert done.returncode == 0
    rows = f"{len(table):,}"
    note = f"column '{name}': {rows} of {rows} values cannot be read, such as 'abc'"
    assert note in " ".join(done.stdout.split())
    done = cli("predict", out, tmp_path / "spoilt.csv", "--out", "/dev/stdout", cwd=project)
    assert done.stdout == (tmp_path / "predictions.csv").read_text()
    assert note in " ".join(done.stderr.split())


def test_predictions_on_standard_output_stand_alone(cli: Cli, project: Path, out: Path) -> None:
    done = cli("predict", out, "test.csv", "--out", "/dev/stdout", cwd=project)
    assert done.stdout == (out / "predictions.csv").read_text()


def test_program_that_was_changed_does_not_predict(cli: Cli, project: Path, out: Path, tmp_path: Path) -> None:
    shutil.copytree(out / "model", tmp_path / "model")
    with (tmp_path / "model" / "solution.py").open("a") as program:
        program.write("\n# an afterthought\n")
    done = cli("predict", tmp_path / "model", "test.csv", "--out", tmp_path / "predictions.csv", cwd=project)
    assert done.returncode == 2
    assert "solution.py: missing, or changed" in done.stderr
    assert not (tmp_path / "predictions.csv").exists()


def test_report_can_be_written_again(cli: Cli, out: Path) -> None:
    written = (out / "report.html").read_text()
    (out / "report.html").unlink()
    assert cli("report", out).returncode == 0
    assert (out / "report.html").read_text() == written


def test_kfp_speaks_into_its_log_only(first: subprocess.CompletedProcess[str], out: Path) -> None:
    assert "Executing task" in (out / "logs" / "kfp.log").read_text()
    assert "Executing task" not in first.stdout + first.stderr


@pytest.fixture(scope="module")
def refused(cli: Cli, project: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """A run whose model does not reach what the spec asks for; it shares the first one's store."""
    arguments = ("--set", "objective.at_least=0.99999", "--set", "name=refused", "--store", out / "store")
    return cli("run", "scope.yaml", *arguments, cwd=project)


def test_refusal_has_its_own_status_and_says_why(refused: subprocess.CompletedProcess[str]) -> None:
    assert refused.returncode == 1, refused.stderr
    assert re.search(r"Verdict +refused\n +fail: ", refused.stdout)


def test_refused_model_predicts_only_when_asked_to(
    cli: Cli, project: Path, refused: subprocess.CompletedProcess[str]
) -> None:
    folder = project / "runs" / "refused"
    assert not (folder / "predictions.csv").exists()
    arguments = ("predict", folder, "test.csv", "--out", folder / "predictions.csv")
    done = cli(*arguments, cwd=project)
    assert done.returncode == 2
    assert "--unblessed" in done.stderr
    done = cli(*arguments, "--unblessed", "--quiet", cwd=project)
    assert (done.returncode, done.stdout) == (0, "")
    assert (folder / "predictions.csv").exists()


def test_mistake_that_only_the_rows_show_is_one_line_with_the_place_in_the_file(cli: Cli, project: Path) -> None:
    text = SPEC.replace("cancer", "wrong").replace("diagnosis", "diagnosis\n  positive: melanoma")
    (project / "wrong.yaml").write_text(text)
    done = cli("run", "wrong.yaml", cwd=project)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert re.search(r"wrong\.yaml:9: task\.positive: 'melanoma' is not in the target; use 'benign'", line)
    assert not (project / "runs" / "wrong").exists()
