"""The JSON Schema beside the specs, and the specs that are shipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from mlestar.errors import SpecError
from mlestar.spec import json_schema, load_scope, parse_scope, schema_text

SPECS = Path(__file__).parents[2] / "specs"
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


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


def test_the_committed_schema_is_up_to_date() -> None:
    assert (SPECS / "scope.schema.json").read_text(encoding="utf-8") == schema_text()


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_specs_load_and_fit_the_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=scope.schema.json\n")
    VALIDATOR.validate(yaml.safe_load(text))
    scope = load_scope(path).scope
    assert scope.name == path.stem
    VALIDATOR.validate(json.loads(scope.to_json()))


@pytest.mark.parametrize(
    ("spec", "valid"),
    [
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
        (content(validation={"checks": {"leakage": "off"}}), True),
        (content(validation={"checks": {"leakage": "on"}}), False),
        (content(validation={"holdout": 0.6}), False),
        (content(objective={"beat": []}), True),
        (content(seed=-1), False),
    ],
)
def test_schema_and_loader_agree(spec: dict[str, Any], valid: bool) -> None:
    assert VALIDATOR.is_valid(spec) is valid
    if valid:
        parse_scope(json.dumps(spec))
    else:
        with pytest.raises(SpecError):
            parse_scope(json.dumps(spec))
