"""What YAML and JSON text means, and what is said of text that means nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlestar.errors import SpecError
from mlestar.spec import parse_scope

HEAD = "apiVersion: mlestar/v1\nkind: Scope\nname: telco-churn\ndata: {train: train.csv}\n"
SPEC = HEAD + "task:\n  target: Churn\n"

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
KEYS = (
    st.sampled_from(["apiVersion", "name", "data", "task", "target", "train", "checks", "budget", "wall_clock"])
    | st.text()
)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))


def lines_of_error(text: str, overrides: tuple[str, ...] = ()) -> list[str]:
    """The lines of the error that ``text`` causes; none when it is a scope."""
    try:
        parse_scope(text, "telco.yaml", overrides)
    except SpecError as error:
        return str(error).splitlines()
    return []


def assert_clear(lines: list[str]) -> None:
    assert len(lines) <= 11
    for line in lines:
        assert line.startswith(("telco.yaml:", "--set "))
        assert line.isprintable()
        assert "pydantic" not in line


@pytest.mark.parametrize(
    "value",
    [
        "Yes",
        "no",
        "on",
        "OFF",
        "y",
        "1_000",
        "1:30",
        "0x1F",
        "0o17",
        "007",
        "2024-01-31",
        ".inf",
        ".nan",
        "=",
        "<<",
        "+",
        ".",
    ],
)
def test_text_that_older_yaml_would_convert_stays_the_text_that_is_in_the_data(value: str) -> None:
    assert parse_scope(f"{SPEC}  positive: {value}\n").scope.task.positive == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("False", False),
        ("1", 1),
        ("-3", -3),
        ("1.0", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ('"1"', "1"),
        ("~", None),
    ],
)
def test_plain_values_get_the_type_they_have_in_yaml_1_2(written: str, value: Any) -> None:
    positive = parse_scope(f"{SPEC}  positive: {written}\n").scope.task.positive
    assert (positive, type(positive)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "telco.yaml: is empty; begin with 'apiVersion: mlestar/v1'"),
        ("# nothing yet\n", "telco.yaml: is empty; begin with 'apiVersion: mlestar/v1'"),
        ("- a\n", "telco.yaml: a list is at the top level; write keys and values, 'apiVersion: mlestar/v1' first"),
        (SPEC + "  target: Churned\n", "telco.yaml:7:3: duplicate key 'target', first on line 6; keep one of them"),
        (SPEC + "  metric: *auc\n", "telco.yaml:7:11: an alias (*name) is not supported; write the value out"),
        (
            SPEC + "  ? [a]\n  : b\n",
            "telco.yaml:7:5: a key is a list or a mapping; write text, or quote what has braces",
        ),
        (SPEC + "\x07", "telco.yaml:7:1: the character U+0007 is not allowed; remove it"),
        ("[" * 100_000, "telco.yaml: is nested too deeply; write it flat"),
        ('{"a": 1, "a": 2}', "telco.yaml:1:10: duplicate key 'a', first on line 1; keep one of them"),
    ],
)
def test_text_that_is_no_document_is_refused_in_one_line(text: str, message: str) -> None:
    assert lines_of_error(text) == [message]


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        (SPEC + "\tmetric: auc\n", "telco.yaml:7:1:", "indent with spaces"),
        (SPEC + "  metric: roc: auc\n", "telco.yaml:7:14:", "quote text with special characters"),
        (SPEC + "  positive: >50K\n", "telco.yaml:7:15:", "quote text with special characters"),
        (SPEC + "  text: [message\n", "telco.yaml:8:1:", "quote text with special characters"),
    ],
)
def test_broken_yaml_names_line_column_and_remedy(text: str, place: str, remedy: str) -> None:
    [line] = lines_of_error(text)
    assert line.startswith(place)
    assert line.endswith(remedy)


def test_json_strings_mean_what_json_says() -> None:
    spec = yaml.safe_load(SPEC)
    for name in ("line\u2028separator", "delete\x7f", "tab\t", "\U0001f600", "a/b"):
        spec["task"]["target"] = name
        assert parse_scope(json.dumps(spec)).scope.task.target == name
        assert parse_scope(json.dumps(spec, ensure_ascii=False, indent="\t")).scope.task.target == name


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text())
def test_any_text_gives_a_scope_or_clear_lines(text: str) -> None:
    assert_clear(lines_of_error(text))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet="{}[]:,-?&*!|>'\"%@`#\\ \n\tabe~=<.0123456789x_\ud800\u2028\x85"))
def test_any_punctuation_gives_a_scope_or_clear_lines(text: str) -> None:
    assert_clear(lines_of_error(text))
    assert_clear(lines_of_error(SPEC + "  positive: " + text))
    assert_clear(lines_of_error(SPEC + text))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(TREES)
def test_any_tree_gives_a_scope_or_clear_lines(tree: Any) -> None:
    assert_clear(lines_of_error(yaml.safe_dump(tree, allow_unicode=True)))
    assert_clear(lines_of_error(json.dumps(tree)))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_value_anywhere_gives_a_scope_or_clear_lines(data: st.DataObject) -> None:
    spec = yaml.safe_load(SPEC) | {
        section: {} for section in ("purpose", "objective", "constraints", "validation", "budget", "pipeline")
    }
    section = data.draw(st.sampled_from(sorted(spec)))
    known = parse_scope(SPEC).scope.model_dump(by_alias=True)[section]
    if isinstance(known, dict):
        spec[section] = known | {data.draw(st.sampled_from(sorted(known))): data.draw(TREES)}
    else:
        spec[section] = data.draw(TREES)
    assert_clear(lines_of_error(json.dumps(spec)))
    assert_clear(lines_of_error(yaml.safe_dump(spec)))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.text()
        | st.builds("{}={}".format, st.sampled_from(["task", "task.metric", "task.text.0", "seed", "a.b"]), st.text())
    )
)
def test_any_override_gives_a_scope_or_clear_lines(overrides: list[str]) -> None:
    assert_clear(lines_of_error(SPEC, tuple(overrides)))
