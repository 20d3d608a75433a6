"""Columns that the spec forbids."""

from __future__ import annotations

import ast

from mlestar.validation.outcome import Outcome
from mlestar.validation.subject import Subject

__all__ = ["forbidden_features"]


def forbidden_features(subject: Subject) -> Outcome | None:
    """No forbidden column is declared by the program, or was in the data or the tables that it was given."""
    forbidden = subject.source.scope.constraints.forbidden_features
    if not forbidden:
        return None
    given = {
        *_declared(subject.source.program),
        *subject.source.train_features.columns,
        *subject.holdout.features.columns,
        *(name for table in subject.task.tables for name in table.storage),
    }
    used = [name for name in forbidden if name in given]
    evidence = {"forbidden": list(forbidden), "used": used}
    if used:
        return Outcome("fail", f"the model is given {', '.join(map(repr, used))}, which the spec forbids", evidence)
    return Outcome("pass", f"the model is not given what the spec forbids: {', '.join(map(repr, forbidden))}", evidence)


def _declared(program: str) -> list[str]:
    """The names in the program's ``COLUMNS``."""
    for node in ast.parse(program).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["COLUMNS"]:
            return [str(name) for name in ast.literal_eval(node.value)]
    return []
