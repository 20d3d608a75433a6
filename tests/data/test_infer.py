"""What a person would say of the data is what is inferred."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlestar.data import Task
from mlestar.data.infer import infer_task
from mlestar.data.roles import detect_role, reads_as_dates, reads_as_numbers
from mlestar.data.sources import read_table
from mlestar.errors import DataError, MlestarError, SpecError
from mlestar.spec import Scope

MakeScope = Callable[..., Scope]


def inferred(scope: Scope, frame: pd.DataFrame) -> dict[str, Any]:
    _, inferences, _ = infer_task(scope, frame)
    assert all(each.reason for each in inferences)
    return {each.field: each.value for each in inferences}


def roles(task: Task) -> dict[str, str]:
    return {column.name: column.role for column in task.columns}


@pytest.fixture
def small() -> pd.DataFrame:
    """Forty rows with two numbers, a category and targets of every type."""
    rows = np.arange(40)
    return pd.DataFrame(
        {
            "size": rows * 1.5,
            "age": rows[::-1] % 7,
            "colour": np.where(rows % 3 == 0, "red", "blue"),
            "sold": np.where(rows % 4 == 0, "Yes", "No"),
            "grade": np.array(["a", "b", "c"])[rows % 3],
            "price": rows * 10.25,
        }
    )


@pytest.mark.parametrize(
    ("name", "target", "expected_type", "metric"),
    [
        ("adult-census", "income", "binary", "roc_auc"),
        ("bike-sharing-hour", "cnt", "regression", "rmse"),
        ("california-housing-prices", "median_house_value", "regression", "rmse"),
        ("chicago-taxi", "big_tipper", "binary", "roc_auc"),
        ("diabetes-130", "readmitted_30", "binary", "roc_auc"),
        ("german-credit", "default", "binary", "roc_auc"),
        ("nyc-taxi-fare", "fare", "regression", "rmse"),
        ("penguins", "species", "multiclass", "log_loss"),
        ("sms-spam", "type", "binary", "roc_auc"),
        ("telco-churn", "Churn", "binary", "roc_auc"),
        ("wine-quality", "quality", "regression", "rmse"),
    ],
)
def test_real_tasks_are_recognised(
    bench_data: Path, scope: MakeScope, name: str, target: str, expected_type: str, metric: str
) -> None:
    task, _, _ = infer_task(scope(target), read_table(str(bench_data / name / "train.csv")))
    assert (task.type, task.metric, task.targets) == (expected_type, metric, (target,))
    assert target not in task.features


def test_roles_of_telco_churn(bench_data: Path, scope: MakeScope) -> None:
    frame = read_table(str(bench_data / "telco-churn" / "train.csv"))
    task, _, _ = infer_task(scope("Churn"), frame)
    assert task.id == "customerID"
    assert task.numeric == ("SeniorCitizen", "tenure", "MonthlyCharges", "TotalCharges")
    assert len(task.categorical) == 15
    assert task.storage["TotalCharges"] == "string"  # blanks among the numbers: the clean block reads them
    assert inferred(scope("Churn"), frame)["columns.TotalCharges"] == "numeric"
    blanks = int((frame["TotalCharges"].str.strip() == "").sum())
    assert blanks > 0
    assert {column.name: column.missing for column in task.columns}["TotalCharges"] == blanks


def test_messages_are_text_and_nothing_else(bench_data: Path, scope: MakeScope) -> None:
    task, _, _ = infer_task(scope("type"), read_table(str(bench_data / "sms-spam" / "train.csv")))
    assert task.features == task.text == ("text",)


def test_diagnosis_codes_and_age_bands_stay_categories(bench_data: Path, scope: MakeScope) -> None:
    frame = read_table(str(bench_data / "diabetes-130" / "train.csv"))
    task, _, warnings = infer_task(scope("readmitted_30"), frame)
    assert {"diag_1", "diag_2", "diag_3", "age", "weight"} <= set(task.categorical)
    assert any("task.group: patient_nbr" in warning for warning in warnings)


def test_a_group_is_no_feature_and_decides_the_splitter(bench_data: Path, scope: MakeScope) -> None:
    frame = read_table(str(bench_data / "diabetes-130" / "train.csv"))
    task, _, warnings = infer_task(scope("readmitted_30", group="patient_nbr"), frame)
    assert (task.group, task.splitter) == ("patient_nbr", "stratified_group")
    assert "patient_nbr" not in task.features
    assert warnings == []


def test_dates_in_order_suggest_a_split_by_time(bench_data: Path, scope: MakeScope) -> None:
    frame = read_table(str(bench_data / "bike-sharing-hour" / "train.csv"))
    task, _, warnings = infer_task(scope("cnt"), frame)
    assert task.dates == ("dteday",)
    assert any("task.time: dteday" in warning for warning in warnings)
    task, _, warnings = infer_task(scope("cnt", time="dteday"), frame)
    assert (task.splitter, task.repeats, warnings) == ("time", 1, [])
    assert "dteday" in task.features


def test_shuffled_dates_suggest_nothing(bench_data: Path, scope: MakeScope) -> None:
    task, _, warnings = infer_task(scope("fare"), read_table(str(bench_data / "nyc-taxi-fare" / "train.csv")))
    assert task.dates == ("pickup",)
    assert warnings == []


def test_few_rows_are_split_repeatedly(bench_data: Path, scope: MakeScope) -> None:
    task, _, _ = infer_task(scope("species"), read_table(str(bench_data / "penguins" / "train.csv")))
    assert (task.splitter, task.folds, task.repeats) == ("stratified", 5, 3)


def test_several_targets_are_a_regression(scope: MakeScope) -> None:
    task, _, _ = infer_task(scope(["Weight", "Waist", "Pulse"]), read_table("sklearn:linnerud"))
    assert (task.type, task.outputs, task.classes) == ("regression", 3, ())


@pytest.mark.parametrize(("data_set", "positive"), [("sklearn:breast_cancer", "malignant")])
def test_the_rarer_class_is_the_positive_one(scope: MakeScope, data_set: str, positive: str) -> None:
    task, _, _ = infer_task(scope("target"), read_table(data_set))
    assert task.classes[1] == positive


@pytest.mark.parametrize(
    ("values", "spec", "classes"),
    [
        (["No", "Yes"], None, ("No", "Yes")),
        (["yes", "no"], "no", ("yes", "no")),
        ([0, 1], None, (0, 1)),
        ([0.0, 1.0], 0, (1, 0)),
        ([0, 1], "1", (0, 1)),
        ([True, False], None, ("False", "True")),
        ([True, False], True, ("False", "True")),
        (["TRUE", "FALSE"], False, ("TRUE", "FALSE")),
        ([1, 2], None, (1, 2)),
        ([-1, 1], None, (-1, 1)),
        (["f", "t"], None, ("f", "t")),
    ],
)
def test_the_positive_class(scope: MakeScope, values: list[Any], spec: Any, classes: tuple[Any, ...]) -> None:
    frame = pd.DataFrame({"x": np.arange(40.0), "y": values * 20})
    task, _, _ = infer_task(scope("y", **({} if spec is None else {"positive": spec})), frame)
    assert (task.type, task.classes) == ("binary", classes)


def test_whole_numbers_are_classes_only_if_few_and_frequent(scope: MakeScope) -> None:
    stars = pd.DataFrame({"x": np.arange(100.0), "y": np.arange(100) % 5})
    task, _, warnings = infer_task(scope("y"), stars)
    assert (task.type, task.classes) == ("multiclass", (0, 1, 2, 3, 4))
    assert any("task.type: regression" in warning for warning in warnings)
    assert infer_task(scope("y"), stars.assign(y=np.arange(100) % 50))[0].type == "regression"
    assert infer_task(scope("y"), stars.assign(y=stars["y"] / 2))[0].type == "regression"
    assert infer_task(scope("y", metric="mae"), stars)[0].type == "regression"


def test_what_the_spec_says_is_not_inferred(small: pd.DataFrame, scope: MakeScope) -> None:
    said = scope("sold", type="binary", metric="f1", positive="No", validation={"holdout": 0.25, "folds": 4})
    task, _, _ = infer_task(said, small)
    assert (task.metric, task.classes, task.folds) == ("f1", ("Yes", "No"), 4)
    assert set(inferred(said, small)) == {"repeats of the folds"}


def test_identifiers_are_kept_apart(small: pd.DataFrame, scope: MakeScope) -> None:
    frame = small.assign(PassengerId=range(40), ticket_id=[f"T{row}" for row in range(40)], paid=range(40))
    task, _, _ = infer_task(scope("sold"), frame)
    assert task.id == "PassengerId"
    found = roles(task)
    assert (found["PassengerId"], found["ticket_id"], found["paid"]) == ("id", "excluded", "numeric")
    assert roles(infer_task(scope("sold", id="ticket_id"), frame)[0])["PassengerId"] == "excluded"


def test_a_saved_index_is_no_feature(small: pd.DataFrame, scope: MakeScope, tmp_path: Path) -> None:
    small.to_csv(tmp_path / "with_index.csv")
    task, _, _ = infer_task(scope("sold"), read_table(str(tmp_path / "with_index.csv")))
    assert "Unnamed: 0" not in task.features


def test_forbidden_features_are_excluded(small: pd.DataFrame, scope: MakeScope) -> None:
    task, _, _ = infer_task(scope("sold", constraints={"forbidden_features": ["price", "colour"]}), small)
    assert roles(task)["price"] == roles(task)["colour"] == "excluded"
    assert not {"price", "colour"} & set(task.features)


def test_constant_and_empty_columns_stay_for_the_clean_block(small: pd.DataFrame, scope: MakeScope) -> None:
    task, _, _ = infer_task(scope("sold"), small.assign(same="x", none=np.nan))
    assert {"same", "none"} <= set(task.features)


def test_rows_without_a_target_are_left_out_with_a_warning(small: pd.DataFrame, scope: MakeScope) -> None:
    frame = small.assign(price=small["price"].where(small.index >= 5))
    task, _, warnings = infer_task(scope("price"), frame)
    assert task.rows == 35
    assert warnings == ["5 of 40 rows have no target and are left out; complete them if you can"]


def test_a_metric_that_makes_numbers_of_two_classes_is_warned_of(small: pd.DataFrame, scope: MakeScope) -> None:
    frame = small.assign(left=[0, 1] * 20)
    task, _, warnings = infer_task(scope("left", metric="rmse"), frame)
    assert task.type == "regression"
    assert any("'left' has two values, and rmse has them predicted as numbers" in warning for warning in warnings)
    _, _, warnings = infer_task(scope("left", metric="rmse", type="regression"), frame)
    assert not any("two values" in warning for warning in warnings)


def test_a_rare_class_limits_the_folds(small: pd.DataFrame, scope: MakeScope) -> None:
    frame = small.assign(grade=["rare"] * 4 + ["a", "b"] * 18)
    task, _, warnings = infer_task(scope("grade"), frame)
    assert task.folds == 3
    assert any("class 'rare' of 'grade' has 4 rows" in warning for warning in warnings)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"target": "prize"}, "example.yaml: task.target: the data has no column 'prize'; did you mean 'price'?"),
        ({"target": "zzz"}, "the data has no column 'zzz'; the columns are 'size', 'age'"),
        ({"target": "price", "group": "color"}, "task.group: the data has no column 'color'; did you mean 'colour'?"),
        ({"target": "price", "metric": "rsme"}, "task.metric: there is no metric 'rsme'; did you mean 'rmse'?"),
        ({"target": "price", "metric": "roc_auc", "type": "regression"}, "use rmse, mae, rmsle, mape, r2 or pearson"),
        ({"target": "sold", "positive": "Ja"}, "task.positive: 'Ja' is not in the target; use 'No' or 'Yes'"),
        ({"target": "price", "positive": 1}, "task.positive: a regression task has no positive class; remove it"),
        ({"target": "price", "text": ["age"]}, "task.text: 'age' holds no text but a number; remove it here"),
        ({"target": "price", "validation": {"gap": 24}}, "validation.gap: means nothing without an order of time"),
        ({"target": "price", "time": "size", "group": "age"}, "rows cannot be split by time and by group at once"),
        ({"target": "price", "constraints": {"forbidden_features": ["price"]}}, "'price' is the target"),
        (
            {"target": "grade", "validation": {"folds": 20}},
            "validation.folds: class 'b' of 'grade' has 13 rows, too few",
        ),
    ],
)
def test_a_scope_that_does_not_fit_the_data_is_refused(
    small: pd.DataFrame, scope: MakeScope, task: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        infer_task(scope(**task), small)
    assert message in str(caught.value).replace("scope example:", "example.yaml:")


@pytest.mark.parametrize(
    ("change", "task", "message"),
    [
        ({"price": np.nan}, {"target": "price"}, "target 'price' has no value in any row"),
        ({"price": 7.0}, {"target": "price"}, "target 'price' has the same value in every row"),
        ({"price": np.inf}, {"target": "price"}, "target 'price' holds infinite values"),
        ({}, {"target": "grade", "type": "regression"}, "target 'grade' is not numeric, it holds 'a'"),
        ({}, {"target": "grade", "type": "binary"}, "has 3 values, a binary task has 2; set task.type: multiclass"),
        ({}, {"target": "sold", "type": "multiclass"}, "has 2 values; set task.type: binary"),
        (
            {"grade": ["once"] + ["a", "b", "c"] * 13},
            {"target": "grade"},
            "class 'once' of 'grade' has 1 rows, too few",
        ),
        ({"colour": "x"}, {"target": "price", "group": "colour"}, "'colour' has 1 groups, too few"),
        ({"colour": [None] + ["x", "y", "z"] * 13}, {"target": "price", "group": "colour"}, "1 rows have no group"),
        (
            {"colour": "soon"},
            {"target": "price", "time": "colour"},
            "40 rows have no time that can be read, such as 'soon'",
        ),
        ({"price": range(-3, 37)}, {"target": "price", "metric": "rmsle"}, "rmsle needs targets above -1"),
    ],
)
def test_data_from_which_nothing_can_be_learnt_is_refused(
    small: pd.DataFrame, scope: MakeScope, change: dict[str, Any], task: dict[str, Any], message: str
) -> None:
    with pytest.raises(MlestarError, match=message):
        infer_task(scope(**task), small.assign(**change))


def test_too_few_rows_are_refused(small: pd.DataFrame, scope: MakeScope) -> None:
    with pytest.raises(DataError, match="19 rows have a target; add data"):
        infer_task(scope("price"), small.head(19))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2.5", "-3e4"], True),
        (["1"] * 30 + [" "], True),
        (["1"] * 30 + ["?"], True),
        (["398"] * 97 + ["V58", "E10"], False),
        (["0042", "0815"], False),
        (["0.5", "0"], True),
        (["red", "blue"], False),
        ([None, None], False),
    ],
)
def test_numbers_written_as_text(values: list[str | None], expected: bool) -> None:
    assert reads_as_numbers(pd.Series(values, dtype=str)) is expected


@pytest.mark.parametrize(
    ("written", "role"),
    [
        ("这家餐厅的菜很好吃服务员也很热情{}次", "text"),
        ("この映画はとても面白かったです{}回", "text"),
        ("北京{}", "categorical"),
        ("Acme Corp {}", "categorical"),
    ],
)
def test_prose_needs_no_spaces(written: str, role: str) -> None:
    assert detect_role(pd.Series([written.format(number) for number in range(50)], dtype="str"), "string")[0] == role


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["2019-03-09 22:04:02", "2019-03-10 01:00:00"], True),
        (["31/12/2020", "01/02/2021"], True),
        (["Mar 9, 2019", "Apr 1, 2020"], True),
        (["2024-01-31T10:00:00Z", "2024-01-31T10:00:00+02:00"], True),
        (["May", "June"], False),
        (["1 - 4 yrs", "4 - 7 yrs"], False),
        (["[70-80)", "[80-90)"], False),
        (["sold in 2019, cheap", "built in 1999"], False),
        ([None], False),
    ],
)
def test_dates_written_as_text(values: list[str | None], expected: bool) -> None:
    assert reads_as_dates(pd.Series(values, dtype=str)) is expected
