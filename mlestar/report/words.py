"""How the report names what the stages record: outcomes of candidates, the validation scheme, variants of a block."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlestar.progress import STAGES

__all__ = ["made_by", "outcome", "recipe_of", "stage_order", "validation", "variant_of", "without_block"]

OUTCOMES = {
    "ok": "scored",
    "pruned": "stopped early",
    "timeout": "out of time",
    "out_of_memory": "out of memory",
    "invalid_score": "unusable predictions",
}
SPLITTERS = {
    "kfold": "{}-fold",
    "stratified": "stratified {}-fold",
    "group": "{}-fold by group",
    "stratified_group": "stratified {}-fold by group",
    "time": "{} folds in the order of time",
}
PARAMETERS = re.compile(r"(, \w+=[^,]*)+$")


def outcome(status: str) -> str:
    """How the evaluation of a candidate ended, in words."""
    return OUTCOMES.get(status, status.replace("_", " "))


def stage_order(stage: str) -> int:
    """Its place in a run; what is no stage comes last."""
    return STAGES.index(stage) if stage in STAGES else len(STAGES)


def made_by(candidate: Mapping[str, Any]) -> str:
    """The stage that made a candidate, its step and the block that it changed."""
    step = f" {candidate['step']}" if candidate["step"] else ""
    return f"{candidate['stage']}{step}{' · ' + candidate['block'] if candidate['block'] else ''}"


def validation(task: Mapping[str, Any], plan: Mapping[str, Any]) -> str:
    """How the training rows are split, as in "stratified 5-fold, 3 repeats", and how much of it was used."""
    scheme = SPLITTERS[task["splitter"]].format(task["folds"])
    if task["repeats"] > 1:
        scheme = f"{scheme}, {task['repeats']} repeats"
    folds, rows = plan.get("folds"), plan.get("rows")
    if folds not in (None, task["folds"] * task["repeats"]):
        scheme = f"{scheme}, of which the budget sufficed for {folds}"
    return f"{scheme}, on {rows:,} of the rows" if rows else scheme


def variant_of(name: str, kind: str) -> str:
    """The name of a variant of a block without the block's kind, which stands beside it."""
    return name.removeprefix(f"{kind}: ")


def without_block(ablation: Mapping[str, Any]) -> str:
    """What was done without the block: "with ordinal in its place"."""
    variant = variant_of(str(ablation["variant"]), ablation["block"])
    return "without it" if variant in ("none", f"without {ablation['block']}") else f"with {variant} in its place"


def recipe_of(name: str, kind: str) -> str:
    """The name of a plan for a block without its kind and without its parameters, which have a column of their own."""
    return PARAMETERS.sub("", variant_of(name, kind))
