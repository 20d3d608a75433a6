"""The fields of the scope spec."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from mlestar.spec import Scope, parse_scope


def test_what_is_left_out_has_its_default(spec: str) -> None:
    scope = parse_scope(spec).scope
    assert scope.task.metric is None
    assert scope.objective.beat == ("baseline",)
    assert (scope.pipeline.branches, scope.pipeline.outer_steps) == (2, 2)
    assert scope.seed == 0


def test_an_empty_section_is_left_out(spec: str) -> None:
    assert parse_scope(spec + "objective:\npurpose:\nseed:\n").scope == parse_scope(spec).scope


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5m", 90), ("1h1m1s", 3661), ("45", 45), ("20.5", 20.5)],
)
def test_durations(spec: str, written: str, seconds: float) -> None:
    assert parse_scope(spec.replace("1h30m", written)).scope.budget.wall_clock == seconds


def test_overrides_set_fields_and_the_later_one_wins(spec: str) -> None:
    overrides = (
        "budget.wall_clock=60s",
        "task.metric=f1",
        "task.metric=roc_auc",
        "validation.checks.leakage=off",
        "task.positive=",
    )
    scope = parse_scope(spec, overrides=overrides).scope
    assert scope.budget.wall_clock == 60
    assert scope.task.metric == "roc_auc"
    assert scope.validation.checks == {"leakage": "off"}
    assert scope.task.positive is None


COLUMN = st.text(min_size=1)
URI = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1)
SCOPES = st.fixed_dictionaries(
    {
        "apiVersion": st.just("mlestar/v1"),
        "kind": st.just("Scope"),
        "name": st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True).filter(lambda name: len(name) <= 63),
        "data": st.fixed_dictionaries({"train": URI}, optional={"test": URI}),
        "task": st.one_of(
            st.fixed_dictionaries({"target": st.lists(COLUMN, min_size=1, unique=True)}),
            st.fixed_dictionaries(
                {"target": st.just("y")},
                optional={
                    "positive": st.booleans()
                    | st.integers()
                    | st.floats(allow_nan=False, allow_infinity=False)
                    | st.text()
                },
            ),
        ),
    },
    optional={
        "purpose": st.fixed_dictionaries({}, optional={"owner": st.text()}),
        "validation": st.fixed_dictionaries(
            {},
            optional={
                "holdout": st.floats(0.05, 0.5),
                "checks": st.dictionaries(st.text(), st.sampled_from(["error", "warn", "off"])),
            },
        ),
        "budget": st.fixed_dictionaries(
            {}, optional={"wall_clock": st.floats(20, 1e6) | st.integers(20, 10**6).map("{}s".format)}
        ),
        "seed": st.integers(0, 2**32 - 1),
    },
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(SCOPES)
def test_a_scope_travels_as_json_unchanged(content: dict[str, Any]) -> None:
    scope = Scope.model_validate(content)
    assert parse_scope(scope.to_json()).scope == scope
    assert parse_scope(scope.to_json()).scope.to_json() == scope.to_json()


def fields_with_examples(model: type[BaseModel] = Scope, prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for name, info in model.model_fields.items():
        path = prefix + (info.alias or name)
        found += [(path, example) for example in info.examples or ()]
        for kind in (info.annotation, *getattr(info.annotation, "__args__", ())):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found += fields_with_examples(kind, f"{path}.")
    return found


@pytest.mark.parametrize(("path", "example"), fields_with_examples())
def test_the_examples_that_editors_show_are_valid(spec: str, path: str, example: Any) -> None:
    text = spec.replace("  positive: Yes\n", "")
    overrides = [f"{path}={yaml.safe_dump(example)}"]
    if path.startswith("data.auxiliary."):  # of a table, whose name the user chooses
        path = path.replace("auxiliary", "auxiliary.days")
        overrides = ["data.auxiliary.days={uri: days.csv, key: day}", f"{path}={yaml.safe_dump(example)}"]
    assert parse_scope(text, overrides=overrides).source.overridden(path)
