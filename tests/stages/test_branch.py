"""What a branch expects of candidates that it has not tried."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlestar.data.task import Column, Task
from mlestar.recipes import Proposal, RecipeProposer, find_recipe, plain_solution
from mlestar.solution import render
from mlestar.spec import parse_scope
from mlestar.stages.branch import Branch
from mlestar.stages.budget import Plan, StageBudget
from mlestar.stages.candidates import Candidate, Candidates
from mlestar.stages.scoped import Scoped, open_harness

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


def test_folds_on_which_a_threshold_is_scored_share_the_fits_of_its_model(
    search: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """So that after two of five folds it is known that the others take hardly any time."""
    task, pipeline = {"target": "target", "metric": "f1"}, {"branches": 1, "outer_steps": 1}
    rows = search(tmp_path, "sklearn:breast_cancer", task=task, budget={"evaluations": 5}, pipeline=pipeline)
    scoped, store = Scoped.read(rows["scope_dir"]), tmp_path / "empty"
    threshold = find_recipe("postprocess", "threshold").block(task=scoped.task)
    with open_harness(scoped, rows["train_dir"], str(store)) as harness:
        solution = plain_solution(scoped.task).replace("postprocess", threshold)
        assert harness.evaluate(solution, seconds=lambda: 60.0, folds=2).status == "pruned"
        combined, records = 2, len(list(store.rglob("*.npz")))
        assert harness.fits(solution, harness.folds[:2]) == records - combined == len(harness.folds) == 5
