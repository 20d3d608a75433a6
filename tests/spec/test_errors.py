"""Mistakes in a spec, each with its place, its field and the remedy."""

from __future__ import annotations

import pytest

from mlestar.errors import SpecError
from mlestar.spec import did_you_mean, parse_scope


def error(text: str, *overrides: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse_scope(text, "telco.yaml", overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("  metrics: auc", "unknown key 'metrics' in task; did you mean 'metric'?"),
        ("  positive_class: [1]", "unknown key 'positive_class' in task; did you mean 'positive'?"),
        ("metric: auc", "unknown key 'metric'; did you mean 'task.metric'?"),
        ("validation: {weather: 1}", "unknown key 'weather' in validation; the keys are holdout, folds, gap, checks"),
        ("  metric: 5", "task.metric: expected text, not 5; quote it: '5'"),
        ("  text: message", "task.text: expected a list, not 'message'; write ['message']"),
        ("  text: [message, 7]", "task.text.1: expected text, not 7; quote it: '7'"),
        (
            "  type: binery",
            "task.type: expected 'binary', 'multiclass' or 'regression', not 'binery'; did you mean 'binary'?",
        ),
        ("  id: Churn", "task.id: 'Churn' is the target; name another column"),
        ("  text: [a, Churn]", "task.text: 'Churn' is the target; name another column"),
        ("objective: 0.8", "objective: expected a mapping (key: value), not 0.8"),
        ("objective: {at_least: high}", "objective.at_least: expected a number, not 'high'"),
        ("objective: {beat: [champion]}", "objective.beat.0: expected 'baseline', not 'champion'"),
        ("validation: {folds: 1}", "validation.folds: expected at least 2, not 1"),
        ("validation: {folds: true}", "validation.folds: expected a whole number, not true"),
        ("validation: {holdout: 0.9}", "validation.holdout: expected at most 0.5, not 0.9"),
        (
            "validation: {checks: {a: of}}",
            "validation.checks.a: expected 'error', 'warn' or 'off', not 'of'; did you mean 'off'?",
        ),
        ("constraints: {model_mb: 0}", "constraints.model_mb: expected more than 0, not 0"),
        (
            "constraints: {forbidden_features: [a, a]}",
            "constraints.forbidden_features: 'a' is named twice; name it once",
        ),
        ("seed: 1.5", "seed: expected a whole number, not 1.5"),
    ],
)
def test_a_mistake_is_named_with_line_field_and_remedy(spec: str, added: str, message: str) -> None:
    task, budget = spec[: spec.index("budget")], spec[spec.index("budget") :]
    assert error(f"{task}{added}\n{budget}") == f"telco.yaml:10: {message}"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("5", "task.target: expected text or a list, not 5; quote it: '5'"),
        ("[]", "task.target: expected text or a list that is not empty, not an empty list"),
        ("[a, 5]", "task.target.1: expected text, not 5; quote it: '5'"),
        ("[a, a]", "task.target: 'a' is named twice; name it once"),
        ("{name: a}", "task.target: expected text or a list, not a mapping"),
    ],
)
def test_a_target_that_names_no_columns(spec: str, target: str, message: str) -> None:
    assert error(spec.replace("Churn", target)) == f"telco.yaml:8: {message}"


@pytest.mark.parametrize(("left", "line"), [("", 7), ("  target:\n", 8)])
def test_what_is_missing_is_placed_where_it_belongs(spec: str, left: str, line: int) -> None:
    message = error(spec.replace("  target: Churn\n", left))
    assert message == (f"telco.yaml:{line}: task.target: is missing; add it, such as target: Churn")


def test_several_targets_are_a_regression(spec: str) -> None:
    message = error(spec.replace("Churn", "[a, b]\n  type: binary"))
    assert (
        message == "telco.yaml:9: task.type: 'binary' does not go with 2 targets; name one target or write 'regression'"
    )


def test_only_a_binary_task_has_a_positive_class(spec: str) -> None:
    message = error(spec.replace("Churn", "Churn\n  type: regression"))
    assert message.startswith("telco.yaml:10: task.positive: a regression task has no positive class; remove it")


@pytest.mark.parametrize(
    "written", ["1:30", "10 minutes", "m", "-5m", "10m5", '"90"', "true", "[10m]", "1m1h", "\u0661m"]
)
def test_what_is_no_duration_is_refused_with_examples(spec: str, written: str) -> None:
    message = error(spec.replace("1h30m", written))
    assert message.startswith("telco.yaml:11: budget.wall_clock: ")
    assert message.endswith("is not a duration; write 90s, 10m, 1h30m or a number of seconds")


def test_a_budget_too_short_for_one_model_is_refused(spec: str) -> None:
    message = error(spec.replace("1h30m", "19s"))
    assert message.startswith("telco.yaml:11: budget.wall_clock: 19 s is too short")
    assert message.endswith("write 20s or more")


def test_a_name_that_is_no_slug_is_refused_with_one_that_is(spec: str) -> None:
    message = error(spec.replace("telco-churn", "Telco Churn!"))
    assert message.startswith("telco.yaml:3: name: 'Telco Churn!' is not a name")
    assert message.endswith("write 'telco-churn'")


def test_several_mistakes_come_one_a_line_in_the_order_of_the_document(spec: str) -> None:
    text = "sed: 1\n" + spec.replace("1h30m", "1s").replace("Churn", "7").replace("telco", "Telco")
    places = [line.split(": ")[0] for line in error(text).splitlines()]
    assert places == ["telco.yaml:1", "telco.yaml:4", "telco.yaml:9", "telco.yaml:12"]


def test_of_many_mistakes_ten_are_named(spec: str) -> None:
    lines = error(spec + "".join(f"key{number}: 1\n" for number in range(14))).splitlines()
    assert len(lines) == 11
    assert lines[9].startswith("telco.yaml:21: unknown key 'key9'")
    assert lines[10] == "telco.yaml: 4 more; mend these first"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "budget.wall_clock=1:30",
            "budget.wall_clock: '1:30' is not a duration; write 90s, 10m, 1h30m or a number of seconds",
        ),
        ("budget.wallclock=60s", "budget.wallclock: unknown key 'wallclock' in budget; did you mean 'wall_clock'?"),
        ("wall_clock=60s", "wall_clock: unknown key 'wall_clock'; did you mean 'budget.wall_clock'?"),
        ("purpose.ownr=me", "purpose.ownr: unknown key 'ownr' in purpose; did you mean 'owner'?"),
        ("task={target: a, metric: 1}", "task: task.metric: expected text, not 1; quote it: '1'"),
        (
            "data.auxiliary={stores: {uri: stores.csv}}",
            "data.auxiliary: data.auxiliary.stores.key: is missing; add it, such as key: store",
        ),
        (
            "data.auxiliary={stores: {uri: stores.csv, key: store, keys: store}}",
            "data.auxiliary: unknown key 'keys' in data.auxiliary.stores; did you mean 'key'?",
        ),
        (
            "data.auxiliary={stores.csv: {uri: stores.csv}}",
            "data.auxiliary: data.auxiliary.stores.csv.key: is missing; add it, such as key: store",
        ),
        (
            r'data.auxiliary={"a\x1e": {uri: a.csv, key: a, keys: a}}',
            r"data.auxiliary: unknown key 'keys' in 'data.auxiliary.a\x1e'; did you mean 'key'?",
        ),
        ("task.seed=1", "task.seed: unknown key 'seed' in task; it goes to the top"),
        (
            "data.auxiliary={My Stores: {uri: stores.csv, key: store}}",
            "data.auxiliary: data.auxiliary.My Stores: 'My Stores' is not a name of lower-case letters, digits and "
            "underscores; write 'my_stores'",
        ),
        ("seed", "'seed': is not of the form field=value; write e.g. budget.wall_clock=60s"),
        ("task.target.name=a", "task.target.name: task.target has no keys; set task.target as a whole"),
    ],
)
def test_a_mistake_in_an_override_names_the_override(spec: str, override: str, message: str) -> None:
    assert error(spec, override) == f"--set {message}"


def test_the_source_places_errors_that_later_layers_find(spec: str) -> None:
    source = parse_scope(spec, "telco.yaml", ("task.metric=auc",)).source
    assert source.locate("task.target") == "telco.yaml:8"
    assert source.locate("task.time") == "telco.yaml:7"
    assert source.locate("seed") == "telco.yaml:1"
    assert source.locate("task.metric") == "--set task.metric"
    assert str(source.error("task.target", "no such column")) == "telco.yaml:8: task.target: no such column"
    hint = did_you_mean("auc", ["rmse", "roc_auc"])
    assert str(source.error("task.metric", f"unknown{hint}")) == "--set task.metric: unknown; did you mean 'roc_auc'?"
