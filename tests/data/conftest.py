"""A scope in one line, as the tests of this folder need it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mlestar.spec import Scope, parse_scope


@pytest.fixture(scope="session")
def scope() -> Callable[..., Scope]:
    """``scope(target, metric="rmse", validation={"folds": 3})``: what is no section is a field of ``task``."""

    def make(target: Any, *, validation: Any = None, constraints: Any = None, **task: Any) -> Scope:
        content = {
            "apiVersion": "mlestar/v1",
            "kind": "Scope",
            "name": "example",
            "data": {"train": "train.csv"},
            "task": {"target": target, **task},
            "validation": validation or {},
            "constraints": constraints or {},
        }
        return parse_scope(json.dumps(content), "example.yaml").scope

    return make
