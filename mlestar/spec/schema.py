"""The JSON Schema of the scope spec, by which editors complete and check the YAML."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from mlestar.spec.models import Scope

__all__ = ["json_schema", "schema_text"]


class _Generator(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False  # "Model Mb" says no more than the key model_mb


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the format, generated from the models."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:mlestar:scope:v1",
        **Scope.model_json_schema(schema_generator=_Generator),
        "title": "mlestar scope spec",
    }


def schema_text() -> str:
    """What ``specs/scope.schema.json`` holds when it is up to date."""
    return json.dumps(json_schema(), indent=2) + "\n"
