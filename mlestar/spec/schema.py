"""The JSON Schema of the scope spec, by which editors complete and check the YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from mlestar.spec.models import Scope

__all__ = ["json_schema", "schema_text"]

_ANNOTATIONS = ("description", "default", "examples")
_NOTHING = {"type": "null"}


class _Generator(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False  # "Model Mb" says no more than the key model_mb


def json_schema(*, metrics: Sequence[str] = (), checks: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON Schema of the format, generated from the models.

    It says draft 7, which all editors know, and uses nothing that later drafts read otherwise.

    Parameters
    ----------
    metrics : sequence of str
        What ``task.metric`` may be; anything where none are given.
    checks : {id: description}, optional
        What ``validation.checks`` may name; anything where it is not given.
    """
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "urn:mlestar:scope:v1",
        **Scope.model_json_schema(schema_generator=_Generator),
        "title": "mlestar scope spec",
    }
    sections = schema["$defs"]
    if metrics:
        metric = sections["TaskSpec"]["properties"]["metric"]
        metric["anyOf"] = [{"type": "string", "enum": list(metrics)}, _NOTHING]
    if checks:
        severities = sections["Validation"]["properties"]["checks"]
        severity = severities.pop("additionalProperties")
        severities["properties"] = {name: {"description": text, **severity} for name, text in checks.items()}
        severities["additionalProperties"] = False
    for section in (schema, *sections.values()):
        required = section.get("required", ())
        described = {key: _described(field, sections) for key, field in section["properties"].items()}
        section["properties"] = {
            key: field if key in required else _optional(field) for key, field in described.items()
        }
    return schema


def _described(field: dict[str, Any], sections: Mapping[str, Any]) -> dict[str, Any]:
    """The field; one that is a section has the section's description, which not all editors look up."""
    reference = next((kind["$ref"] for kind in field.get("anyOf", [field]) if "$ref" in kind), None)
    return field | {"description": sections[reference.rpartition("/")[2]]["description"]} if reference else field


def _optional(field: dict[str, Any]) -> dict[str, Any]:
    """The field, which may also be empty: ``objective:`` with nothing after it says as little as no ``objective``."""
    said = {name: field[name] for name in _ANNOTATIONS if name in field}
    if said.get("default") is None or isinstance(said["default"], dict):
        said.pop("default", None)  # an editor would write it out
    rest = {name: value for name, value in field.items() if name not in _ANNOTATIONS}
    kinds = rest.pop("anyOf", None) or [rest]
    return {**said, "anyOf": [*(kind for kind in kinds if kind != _NOTHING), _NOTHING]}


def schema_text(*, metrics: Sequence[str] = (), checks: Mapping[str, str] | None = None) -> str:
    """:func:`json_schema` as the text of a file."""
    return json.dumps(json_schema(metrics=metrics, checks=checks), indent=2) + "\n"
