"""The section about where the model comes from: its ancestors, digests, versions, and the spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from markupsafe import Markup
from pygments.lexers import YamlLexer

from mlestar.report.numbers import plain
from mlestar.report.run import Run
from mlestar.report.source import highlighted
from mlestar.report.words import made_by

__all__ = ["Ancestor", "ancestry", "digests", "environment", "spec"]


@dataclass(frozen=True)
class Ancestor:
    """A candidate on the way to a member of the solution."""

    name: str
    id: str
    made_by: str
    score: str


def ancestry(run: Run) -> list[list[Ancestor]]:
    """For each member of the solution the candidates that led to it, the first one first, itself last."""
    return [_ancestors(run, member["id"]) for member in run.ensemble["members"]]


def digests(run: Run) -> list[tuple[str, str]]:
    """What identifies the data, the judged model and the one that ships."""
    found = [("data fingerprint", str(run.scope["fingerprint"]))]
    for model in [run.model] + ([run.final] if run.final is not None else []):
        found += [
            (f"{model['kind']} {name.replace('_', ' ')}", str(model[name]))
            for name in ("solution", "program_sha256", "model_sha256")
            if model.get(name)
        ]
    return found


def environment(run: Run) -> list[tuple[str, str]]:
    """The machine that judged the model, and the libraries that it was made with."""
    machine = [(name, plain(value)) for name, value in ((run.verdict or {}).get("environment") or {}).items()]
    return machine + sorted((name, str(version)) for name, version in (run.model.get("versions") or {}).items())


def spec(run: Run) -> Markup:
    """The scope spec as it was understood, without what it leaves open."""
    text = yaml.safe_dump(_given(run.scope.get("spec", {})), sort_keys=False, allow_unicode=True, width=100)
    return highlighted(text, YamlLexer)


def _ancestors(run: Run, identifier: str) -> list[Ancestor]:
    found: list[Ancestor] = []
    at: str | None = identifier
    while at is not None and at not in {each.id for each in found} and (candidate := run.candidate(at)):
        score = run.score_format.with_error(candidate["score"], candidate["standard_error"])
        found.append(Ancestor(str(candidate["name"]), str(candidate["id"]), made_by(candidate), score))
        at = candidate["parent"]
    return found[::-1]


def _given(value: Any) -> Any:
    """A document without the fields that are left open; an empty ``objective.beat`` is a choice."""
    if isinstance(value, Mapping):
        kept = {str(key): _given(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if key == "beat" or each not in (None, [], {})}
    return [_given(each) for each in value] if isinstance(value, list | tuple) else value
