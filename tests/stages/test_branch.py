"""What a branch expects of candidates that it has not tried."""

from __future__ import annotations

import json
from typing import Any

from mlestar.data.task import Column, Task
from mlestar.recipes import Proposal, RecipeProposer
from mlestar.solution import render
from mlestar.spec import parse_scope
from mlestar.stages.branch import Branch
from mlestar.stages.budget import Plan, StageBudget
from mlestar.stages.candidates import Candidate, Candidates
from mlestar.stages.scoped import Scoped

TASK = Task(
    name="houses",
    type="regression",
    targets=("price",),
    metric="rmse",
    columns=(Column(name="area", storage="number", role="numeric"),),
    rows=2000,
    splitter="kfold",
    folds=5,
)
SPEC = {
    "apiVersion": "mlestar/v1",
    "kind": "Scope",
    "name": "houses",
    "data": {"train": "houses.csv"},
    "task": {"target": "price"},
}
PLAN = Plan(mode="wall_clock", total=100.0, stages={"search": 40.0})


def cut_off(proposal: Proposal, seconds: float) -> Candidates:
    solution = proposal.solution
    outcome: dict[str, Any] = {"status": "timeout", "reason": "over the time limit", "score": None}
    where: dict[str, Any] = {"branch": 0, "stage": "search", "step": 0, "parent": None, "block": None}
    spent: dict[str, Any] = {"seconds": seconds, "peak_mb": 1.0, "order": 0, "elapsed": seconds}
    recipes = {kind: block.name for kind, block in solution.blocks.items()}
    entry = Candidate(
        id=solution.id,
        name=proposal.name,
        recipes=recipes,
        standard_error=None,
        fold_scores=[],
        **outcome,
        **where,
        **spent,
    )
    return Candidates([entry], programs={solution.id: render(solution, TASK)})


def expected_seconds(candidates: Candidates, proposal: Proposal) -> float:
    scope = parse_scope(json.dumps(SPEC)).scope
    scoped = Scoped(scope, TASK, PLAN, "fingerprint", {}, None, seconds_per_evaluation=0.5)
    budget = StageBudget(PLAN, "search", spent=[])
    branch = Branch(scoped, None, candidates, budget, stage="search", branch=0, step=0)  # type: ignore[arg-type]
    return branch.expected_seconds(proposal.solution)


def test_a_fit_that_was_cut_off_tells_of_its_own_model_alone() -> None:
    first, second = RecipeProposer(TASK).initial()[:2]
    untried = {each.name: expected_seconds(Candidates(), each) for each in (first, second)}
    after = cut_off(first, seconds=1000.0)
    assert expected_seconds(after, first) > 100 * untried[first.name]
    assert expected_seconds(after, second) == untried[second.name]
