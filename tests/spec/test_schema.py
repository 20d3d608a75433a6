"""The JSON Schema beside the specs, and the specs that are shipped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlestar.cli.schema import published_schema
from mlestar.errors import SpecError
from mlestar.spec import load_scope, parse_scope
from mlestar.spec.document import read_mapping

SPECS = Path(__file__).parents[2] / "specs"
SCHEMA = json.loads(published_schema())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def content(**changes: Any) -> dict[str, Any]:
    """A valid spec with some sections changed."""
    spec = {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": "a",
        "data": {"train": "a.csv"},
        "task": {"target": "y"},
    }
    return spec | changes


def fields() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of the format, by its path."""
    for name, section in (("", SCHEMA), *SCHEMA["$defs"].items()):
        yield from ((f"{name}.{key}".strip("."), field) for key, field in section["properties"].items())


def test_the_committed_schema_is_up_to_date() -> None:
    assert (SPECS / "scope.schema.json").read_text(encoding="utf-8") == published_schema()


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_schema_says_the_same_in_later_drafts() -> None:
    """An editor that takes it for another draft has to come to the same result."""
    later = jsonschema.Draft202012Validator(SCHEMA)
    for spec, valid in AGREED:
        assert later.is_valid(spec) is valid


@pytest.mark.parametrize(("path", "field"), list(fields()), ids=lambda value: value if isinstance(value, str) else "")
def test_an_editor_can_explain_every_field_and_show_an_example(path: str, field: dict[str, Any]) -> None:
    assert field["description"].endswith(".")
    resolving = jsonschema.Draft7Validator({"$defs": SCHEMA["$defs"], "allOf": [field]})
    for example in field["examples"]:
        resolving.validate(example)
    if "default" in field:
        resolving.validate(field["default"])


def test_an_editor_can_offer_the_metrics_and_the_checks() -> None:
    [metric, _] = SCHEMA["$defs"]["TaskSpec"]["properties"]["metric"]["anyOf"]
    assert {"roc_auc", "log_loss", "rmse"} < set(metric["enum"])
    [checks, _] = SCHEMA["$defs"]["Validation"]["properties"]["checks"]["anyOf"]
    assert checks["properties"]["label_shuffle"]["enum"] == ["error", "warn", "off"]


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_specs_load_and_fit_the_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=scope.schema.json\n")
    VALIDATOR.validate(read_mapping(text, str(path))[0])
    scope = load_scope(path).scope
    assert scope.name == path.stem
    VALIDATOR.validate(json.loads(scope.to_json()))


AGREED = [
    (content(), True),
    (content(name="a-b2"), True),
    (content(name="A b"), False),
    (content(name="a--b"), False),
    (content(name="a" * 64), False),
    (content(budget={"wall_clock": "1h30m"}), True),
    (content(budget={"wall_clock": 90}), True),
    (content(budget={"wall_clock": "1:30"}), False),
    (content(budget={"wall_clock": ""}), False),
    (content(budget={"wall_clock": 5}), False),
    (content(task={"target": ["a", "b"]}), True),
    (content(task={"target": []}), False),
    (content(task={"target": ["a", "a"]}), False),
    (content(task={"target": "y", "positive": True}), True),
    (content(task={"target": "y", "metrics": "auc"}), False),
    (content(validation={"checks": {"latency": "off"}}), True),
    (content(validation={"checks": {"latency": "on"}}), False),
    (content(validation=None), True),
    (content(validation={"folds": None, "gap": None}), True),
    (content(task=None), False),
    (content(data={"train": None}), False),
    (content(validation={"holdout": 0.6}), False),
    (content(objective={"beat": []}), True),
    (content(seed=-1), False),
]


@pytest.mark.parametrize(("spec", "valid"), AGREED)
def test_schema_and_loader_agree(spec: dict[str, Any], valid: bool) -> None:
    assert VALIDATOR.is_valid(spec) is valid
    if valid:
        parse_scope(json.dumps(spec))
    else:
        with pytest.raises(SpecError):
            parse_scope(json.dumps(spec))
