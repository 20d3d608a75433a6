"""Auxiliary tables: days of bike rentals with the weather of their hours, customers with their contracts."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlestar.data.auxiliary import read_auxiliary
from mlestar.data.infer import infer_task
from mlestar.data.sources import typed
from mlestar.data.tables import write_arrow
from mlestar.data.target import target_frame, target_values
from mlestar.errors import DataError, SpecError
from mlestar.recipes import RecipeProposer, plain_solution
from mlestar.recipes.join_tables import JoinedTables
from mlestar.solution import read_program
from mlestar.spec import Scope, parse_scope
from mlestar.stages.auxiliary import with_tables
from mlestar.stages.reasons import tables_left_out
from mlestar.stages.sample import draw_sample

WEATHER = ["hr", "weathersit", "temp", "atemp", "hum", "windspeed"]


@pytest.fixture(scope="module")
def bikes(bench_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with days.csv, which counts the rentals of a day, and hours.csv, which has the weather of its hours."""
    folder = tmp_path_factory.mktemp("bikes")
    hours = pd.read_csv(bench_data / "bike-sharing-hour" / "train.csv")
    keys = ["dteday", "weekday", "holiday"]
    hours.groupby(keys, as_index=False)["cnt"].sum().to_csv(folder / "days.csv", index=False)
    hours["measured"] = pd.to_datetime(hours["dteday"]).dt.strftime("%d.%m.%Y")
    hours[["dteday", "measured", *WEATHER]].to_csv(folder / "hours.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def churn(bench_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with customers.csv, which has the target, and contracts.csv, which has a row for each of them."""
    folder = tmp_path_factory.mktemp("churn")
    table = pd.read_csv(bench_data / "telco-churn" / "train.csv").iloc[:800]
    table[["customerID", "gender", "SeniorCitizen", "Churn"]].to_csv(folder / "customers.csv", index=False)
    contracts = table[["customerID", "Contract", "MonthlyCharges", "TotalCharges", "Churn"]]
    contracts.sample(frac=1.0, random_state=0).to_csv(folder / "contracts.csv", index=False)
    return folder


def scope_of(folder: Path, train: str, auxiliary: dict[str, Any], **sections: Any) -> Scope:
    tables = {name: {"uri": str(folder / f"{name}.csv"), "key": key} for name, key in auxiliary.items()}
    data = {"train": str(folder / train), "auxiliary": tables}
    spec = {"apiVersion": "mlestar/v1", "kind": "Scope", "name": "example", "data": data, **sections}
    return parse_scope(json.dumps(spec)).scope


def joined(scope: Scope, folder: Path) -> Any:
    """The task, the rows, what was inferred and what is not used."""
    frame = pd.read_csv(scope.data.train)
    task, _, _ = infer_task(scope, frame)
    return with_tables(scope, task, typed(frame, task.storage), folder)


@pytest.fixture(scope="module")
def run(bikes: Path, run_stages: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All stages on the days."""
    root = tmp_path_factory.mktemp("run")
    tables = {"hours": {"uri": str(bikes / "hours.csv"), "key": "dteday"}}
    return run_stages(
        root,
        pd.read_csv(bikes / "days.csv"),
        data={"train": str(root / "train.csv"), "auxiliary": tables},
        task={"target": "cnt", "metric": "rmse"},
    )


@pytest.mark.slow
def test_what_another_table_knows_makes_the_model_better(run: Any) -> None:
    shipped = read_program((run.final / "solution.py").read_text(encoding="utf-8"))
    assert shipped.needs_tables
    effects = {each["block"]: each for each in run.document("refined", "history.json")["ablations"]}
    assert effects["join"]["effect"] > 100
    verdict = run.document("verdict", "verdict.json")
    assert verdict["score"] < 0.8 * verdict["baselines"]["plain"]["score"]  # which knows no weather


@pytest.mark.slow
def test_fit_on_the_users_files_reproduces_what_finalize_ships(run: Any, bikes: Path, tmp_path: Path) -> None:
    program = run.final / "solution.py"

    def solution(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(program), *map(str, arguments)]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    own = tmp_path / "own.skops"
    refused = solution("fit", run.table, "--model", own)
    assert (refused.returncode, own.exists()) == (2, False)
    assert "--table hours=FILE" in refused.stderr
    assert solution("fit", run.table, "--table", f"hours={bikes / 'hours.csv'}", "--model", own).returncode == 0
    for model, out in ((own, "own.csv"), (run.final / "model.skops", "shipped.csv")):
        assert solution("predict", run.table, "--model", model, "--out", tmp_path / out).returncode == 0
    found, shipped = (pd.read_csv(tmp_path / name) for name in ("own.csv", "shipped.csv"))
    pd.testing.assert_frame_equal(found, shipped, rtol=1e-9)


@pytest.mark.slow
def test_the_shipped_tests_have_the_rows_that_they_need(run: Any) -> None:
    sample = pd.read_csv(run.final / "sample.csv")
    hours = pd.read_csv(run.final / "sample_hours.csv")
    assert set(hours["dteday"]) == set(sample["dteday"])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_solution.py"]
    tested = subprocess.run(command, cwd=run.final, check=False, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stdout


def test_rows_of_a_key_are_summarised(bikes: Path) -> None:
    scope = scope_of(bikes, "days.csv", {"hours": "dteday"}, task={"target": "cnt"})
    task, rows, _, _ = joined(scope, bikes)
    hours = pd.read_csv(bikes / "hours.csv")
    first = hours[hours["dteday"] == rows["dteday"].iloc[0]]
    assert rows["hours_rows"].iloc[0] == len(first)
    assert rows["hours_temp_mean"].iloc[0] == pytest.approx(first["temp"].mean())
    assert rows["hours_hum_max"].iloc[0] == first["hum"].max()
    assert (rows["hours_measured_last"] == pd.to_datetime(rows["dteday"])).all()  # which is written day first there
    assert not task.tables[0].one_row
    assert "hours_windspeed_std" in task.numeric
    assert "hours_windspeed_std" not in task.features  # which are read from the rows themselves


def test_a_row_of_the_key_is_joined_as_it_is_and_the_target_is_not(churn: Path) -> None:
    task, rows, inferences, unused = joined(
        scope_of(churn, "customers.csv", {"contracts": "customerID"}, task={"target": "Churn"}), churn
    )
    contracts = pd.read_csv(churn / "contracts.csv").set_index("customerID")
    assert rows["contracts_Contract"].tolist() == contracts.loc[rows["customerID"], "Contract"].tolist()
    assert "contracts_Contract" in task.categorical
    assert "contracts_TotalCharges" in task.numeric  # which the file has as text
    assert "contracts_Churn" not in rows
    assert any("'Churn' is the target" in each for each in unused)
    assert task.id == "customerID"
    assert next(each.role for each in task.columns if each.name == "customerID") == "key"
    assert inferences[0].value == "one row per key"


def test_who_is_behind_a_key_is_not_told_by_the_sample_that_ships(churn: Path, tmp_path: Path) -> None:
    scope = scope_of(churn, "customers.csv", {"contracts": "customerID"}, task={"target": "Churn"})
    task, rows, _, _ = joined(scope, tmp_path)
    write_arrow(rows[list(task.features)], tmp_path / "features.arrow")
    write_arrow(target_frame(target_values(rows, task), None), tmp_path / "target.arrow")
    sample = draw_sample(task, tmp_path, grouped=False, with_tables=True)
    texts = (sample.csv, sample.tables["contracts"])
    customers, contracts = (pd.read_csv(io.StringIO(text), dtype={"customerID": str}) for text in texts)
    assert set(customers["customerID"]) == set(contracts["customerID"]) == set(map(str, range(len(customers))))
    shipped = customers.merge(contracts, on="customerID")[["gender", "SeniorCitizen", "MonthlyCharges"]]
    known = rows[["gender", "SeniorCitizen", "contracts_MonthlyCharges"]].to_numpy().tolist()
    assert all(row in known for row in shipped.to_numpy().tolist())


def test_a_model_that_joins_none_of_the_tables_says_so(churn: Path, tmp_path: Path) -> None:
    scope = scope_of(churn, "customers.csv", {"contracts": "customerID"}, task={"target": "Churn"})
    task, *_ = joined(scope, tmp_path)
    [told] = tables_left_out(plain_solution(task), task)
    assert "without the auxiliary tables (contracts)" in told
    start = next(RecipeProposer(task, seed=0, branch=0, branches=1).starts())
    assert tables_left_out(start.solution, task) == []


def test_a_table_that_was_fitted_is_saved_without_the_rows_that_made_it() -> None:
    days = pd.DataFrame({"day": ["a", "b", "b", "c"], "kind": ["x", "y", None, "y"], "count": [1.0, 2.0, 4.0, np.nan]})
    days["time"] = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", None])
    rows = pd.DataFrame({"day": ["b", "z", "a", None]}, dtype="str")
    fitted = JoinedTables({"days": days.astype({"day": "str", "kind": "str"}).set_index("day")}).fit(rows)
    state = fitted.__getstate__()
    assert state["tables"] == {}
    loaded = JoinedTables.__new__(JoinedTables)
    loaded.__setstate__(state)
    pd.testing.assert_frame_equal(loaded.transform(rows), fitted.transform(rows))
    assert fitted.transform(rows)["days_rows"].tolist() == [2.0, 0.0, 1.0, 0.0]
    assert fitted.transform(rows)["days_kind_commonest"].tolist()[0] == "y"


def test_a_key_that_occurs_nowhere_is_refused(bikes: Path, tmp_path: Path) -> None:
    hours = pd.read_csv(bikes / "hours.csv")
    hours["dteday"] = pd.to_datetime(hours["dteday"]).dt.strftime("%d.%m.%Y")
    hours.to_csv(tmp_path / "hours.csv", index=False)
    pd.read_csv(bikes / "days.csv").to_csv(tmp_path / "days.csv", index=False)
    scope = scope_of(tmp_path, "days.csv", {"hours": "dteday"}, task={"target": "cnt"})
    with pytest.raises(DataError, match=r"hours.csv: no training row has a key .*'01.01.2011'.*'2011-01-01'"):
        joined(scope, tmp_path)


def test_a_forbidden_column_may_be_one_of_another_table(bikes: Path) -> None:
    def columns(forbidden: str) -> set[str]:
        constraints = {"forbidden_features": [forbidden]}
        scope = scope_of(bikes, "days.csv", {"hours": "dteday"}, task={"target": "cnt"}, constraints=constraints)
        return {each.name for each in joined(scope, bikes)[0].columns}

    assert not any("temp" in name.split("_") for name in columns("temp"))
    with pytest.raises(DataError, match="no table has the column 'tmp'"):
        columns("tmp")


def test_a_name_that_is_taken_is_refused(bikes: Path, tmp_path: Path) -> None:
    days = pd.read_csv(bikes / "days.csv").assign(hours_rows=24)
    days.to_csv(tmp_path / "days.csv", index=False)
    pd.read_csv(bikes / "hours.csv").to_csv(tmp_path / "hours.csv", index=False)
    with pytest.raises(DataError, match=r"auxiliary table hours: .*give the table another name"):
        joined(scope_of(tmp_path, "days.csv", {"hours": "dteday"}, task={"target": "cnt"}), tmp_path)


def test_a_key_cannot_be_forbidden(bikes: Path) -> None:
    constraints = {"forbidden_features": ["dteday"]}
    scope = scope_of(bikes, "days.csv", {"hours": "dteday"}, task={"target": "cnt"}, constraints=constraints)
    with pytest.raises(SpecError, match=r"'dteday' is a key of data\.auxiliary\.hours; remove one"):
        infer_task(scope, pd.read_csv(bikes / "days.csv"))


@pytest.mark.parametrize(
    ("auxiliary", "message"),
    [
        ({"hours": "day"}, "data.auxiliary.hours.key: the data has no column 'day'; did you mean 'dteday'?"),
        ({"hours": "cnt"}, "data.auxiliary.hours.key: 'cnt' is the target; name another key"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(bikes: Path, auxiliary: dict[str, str], message: str) -> None:
    scope = scope_of(bikes, "days.csv", auxiliary, task={"target": "cnt"})
    with pytest.raises(SpecError, match=message.replace("?", r"\?")):
        infer_task(scope, pd.read_csv(bikes / "days.csv"))


def test_tables_are_read_in_the_order_of_the_spec(bikes: Path) -> None:
    pd.DataFrame({"holiday": [0, 1], "pay": [1.0, 1.5]}).to_csv(bikes / "pay.csv", index=False)
    scope = scope_of(bikes, "days.csv", {"pay": "holiday", "hours": "dteday"}, task={"target": "cnt"})
    frame = pd.read_csv(bikes / "days.csv")
    task, _, _ = infer_task(scope, frame)
    assert [each.table.name for each in read_auxiliary(scope, frame, task.storage)] == ["pay", "hours"]
