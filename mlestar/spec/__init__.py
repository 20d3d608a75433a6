"""The scope spec: its models, reading it, and errors that name file, line, field and remedy."""

from __future__ import annotations

from mlestar.spec.loading import Loaded, load_scope, parse_scope, resolve_uri
from mlestar.spec.models import (
    Auxiliary,
    Budget,
    Constraints,
    Data,
    Objective,
    Pipeline,
    Purpose,
    Scope,
    TaskSpec,
    Validation,
)
from mlestar.spec.schema import json_schema, schema_text
from mlestar.spec.source import Source
from mlestar.spec.suggestions import did_you_mean, did_you_mean_file

__all__ = [
    "Auxiliary",
    "Budget",
    "Constraints",
    "Data",
    "Loaded",
    "Objective",
    "Pipeline",
    "Purpose",
    "Scope",
    "Source",
    "TaskSpec",
    "Validation",
    "did_you_mean",
    "did_you_mean_file",
    "json_schema",
    "load_scope",
    "parse_scope",
    "resolve_uri",
    "schema_text",
]
