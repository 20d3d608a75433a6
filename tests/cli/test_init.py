"""The first spec for a table: it runs as it is, and says what to look at."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlestar.data.infer import infer_task
from mlestar.data.likely_targets import likely_targets
from mlestar.data.preflight import check_test
from mlestar.data.sources import read_table
from mlestar.data.suggested_spec import SuggestedSpec, suggest_spec
from mlestar.spec import Scope, Source, load_scope, parse_scope
from mlestar.spec.commented import Entry, commented_spec

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

CUSTOMERS = pd.DataFrame(
    {
        "customerID": [f"{number:04}-XYZ" for number in range(120)],
        "tenure": [number * 7 % 41 for number in range(120)],
        "contract": ["monthly", "yearly", "two years", "other"] * 30,
        "refunded": [number % 3 == 0 for number in range(120)],
        "since": [f"2024-{1 + number % 12:02}-{1 + number % 28:02}" for number in range(120)],
        "Churn": ["Yes" if number % 3 == 0 else "No" for number in range(120)],
    }
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    CUSTOMERS.to_csv(tmp_path / "train.csv", index=False)
    CUSTOMERS.drop(columns="Churn").head(10).to_csv(tmp_path / "test.csv", index=False)
    return tmp_path


def suggested(folder: Path, train: str, **options: object) -> tuple[SuggestedSpec, Scope]:
    """What is suggested, and the scope that it is read as."""
    found = suggest_spec(train, folder=folder, schema="scope.schema.json", **options)  # type: ignore[arg-type]
    (folder / "scope.yaml").write_text(found.text)
    return found, load_scope(folder / "scope.yaml").scope


def test_spec_says_what_was_inferred_and_why(cli: Cli, folder: Path) -> None:
    done = cli("init", "train.csv", "--test", "test.csv", "--out", "churn.yaml", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("wrote churn.yaml: predict Churn (binary, roc_auc) from 4 columns")
    assert done.stdout.endswith("next: mlestar run churn.yaml\n")
    scope = load_scope(folder / "churn.yaml").scope
    assert scope.data.train == str(folder / "train.csv")
    assert scope.name == "churn"  # so that its runs are where the spec's name lets expect them
    assert (scope.task.target, scope.task.positive, scope.task.id) == ("Churn", "Yes", "customerID")
    text = (folder / "churn.yaml").read_text()
    assert "Inferred: the target has 2 different values." in text
    assert "# - 'refunded' alone predicts the target nearly perfectly (ROC AUC 1.000); forbid it" in text
    assert "#   forbidden_features: [refunded]" in text
    assert "# time: since" in text
    assert max(map(len, text.splitlines())) <= 120


def test_file_that_is_there_is_not_overwritten_unless_asked_to(cli: Cli, folder: Path) -> None:
    (folder / "churn.yaml").write_text("mine")
    arguments = ("init", "train.csv", "--target", "Churn", "--out", "churn.yaml")
    done = cli(*arguments, cwd=folder)
    assert done.returncode == 2
    assert (
        done.stderr
        == "mlestar: churn.yaml: is there already; name another file with --out, or overwrite it with --force\n"
    )
    assert (folder / "churn.yaml").read_text() == "mine"
    done = cli(*arguments, "--force", "--json", cwd=folder)
    [line] = done.stdout.splitlines()
    outcome = json.loads(line)
    assert outcome["places"] == {"spec": str(folder / "churn.yaml")}
    assert (outcome["type"], outcome["guessed"], outcome["exit_status"]) == ("binary", False, 0)
    assert load_scope(folder / "churn.yaml").scope.task.target == "Churn"


@pytest.mark.parametrize("option", [("--target", "churn"), ("--test", "tset.csv")])
def test_mistake_is_one_line_with_the_remedy(cli: Cli, folder: Path, option: tuple[str, str]) -> None:
    done = cli("init", "train.csv", *option, cwd=folder)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "did you mean 'Churn'?" in line or "tset.csv: no such file" in line
    assert not list(folder.glob("*.yaml"))


@pytest.mark.parametrize("name", ["wine", "breast_cancer", "diabetes", "iris"])
def test_every_field_that_is_set_is_what_would_be_inferred(tmp_path: Path, name: str) -> None:
    found, scope = suggested(tmp_path, f"sklearn:{name}")
    assert found.task.targets == ("target",)
    task, inferences, _ = infer_task(scope, read_table(scope.data.train))
    assert task == found.task
    assert not any(each.field.startswith(("task.type", "task.metric")) for each in inferences)


def test_several_targets(tmp_path: Path) -> None:
    targets = ("Weight", "Waist", "Pulse")
    found, scope = suggested(tmp_path, "sklearn:linnerud", targets=targets)
    assert scope.task.target == targets
    assert (found.task.type, found.target_reason) == ("regression", "")


def test_columns_that_the_data_to_predict_lacks_are_forbidden_and_so_the_spec_runs(folder: Path) -> None:
    CUSTOMERS.drop(columns=["Churn", "refunded"]).to_csv(folder / "test.csv", index=False)
    train, test = str(folder / "train.csv"), str(folder / "test.csv")
    found, scope = suggested(folder, train, targets=["Churn"], test=test)
    assert scope.constraints.forbidden_features == ("refunded",)
    assert found.warnings[0] == f"{test} lacks 'refunded': left out of the features (forbidden_features)"
    check_test(scope, Source())
    assert found.task.features == ("tenure", "contract", "since")


def uncommented(lines: list[str], number: int) -> str:
    """The text in which the field on a line is set, as a user sets it: by removing the comment sign."""
    lines, section = list(lines), re.match(r"#   (?=\w)", lines[number])
    if section:
        header = max(above for above in range(number) if re.match(r"# \w+:", lines[above]))
        lines[header] = lines[header].removeprefix("# ")
        lines[number] = f"  {lines[number].removeprefix('#   ')}"
    else:
        lines[number] = lines[number].replace("# ", "", 1)
    return "\n".join(lines)


def test_every_field_that_is_commented_out_can_be_set_as_it_is_shown(folder: Path) -> None:
    found, scope = suggested(folder, str(folder / "train.csv"))
    lines = found.text.splitlines()
    fields = [number for number, line in enumerate(lines) if re.match(r"(#   |  # |# )[a-z_]+: *[^# ]", line)]
    shown = {re.findall(r"\w+", lines[number])[0] for number in fields}
    assert {
        "owner",
        "test",
        "time",
        "group",
        "at_least",
        "model_mb",
        "holdout",
        "checks",
        "evaluations",
        "seed",
    } <= shown
    for number in fields:
        assert parse_scope(uncommented(lines, number)).scope.task.target == scope.task.target


@given(st.text(min_size=1, max_size=80))
def test_any_column_name_survives_the_comments(name: str) -> None:
    known = {"apiVersion": "mlestar/v1", "kind": "Scope", "name": "odd", "data.train": "train.csv"}
    entries = {path: Entry(value) for path, value in known.items()}
    entries["task.target"] = Entry(name, f"Guessed: {name}.")
    entries["task.text"] = Entry([name + "?", name + "!"], name)
    entries["task.group"] = Entry(name, is_set=False)
    scope = parse_scope(commented_spec(entries, head=[name], notes={"task": [name]})).scope
    assert (scope.task.target, scope.task.text, scope.task.group) == (name, (name + "?", name + "!"), None)


@pytest.mark.parametrize(
    ("columns", "known", "expected"),
    [
        ({"x": [1.5, 2, 3], "price": [3, 1, 2]}, {"x"}, "price"),
        ({"label": ["a", "b", "a"], "z": [1.5, 2, 3]}, None, "label"),
        ({"a": [1.5, 2, 3], "b": [4.0, 5, 7]}, None, "b"),
        ({"a": [1.5, 2, 3], "b": [4.0, 5, 7], "row_id": [1, 2, 3]}, None, "a"),
    ],
    ids=["that the test data lacks", "by its name", "the last", "no identifier"],
)
def test_likeliest_target(columns: dict[str, list[object]], known: set[str] | None, expected: str) -> None:
    (name, _), *_ = likely_targets(pd.DataFrame(columns), known)
    assert name == expected
