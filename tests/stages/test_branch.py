"""What a branch expects of candidates that it has not tried."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlestar.data.task import Column, Task
from mlestar.recipes import Proposal, RecipeProposer, find_recipe, plain_solution, static_cost
from mlestar.solution import Solution, render
from mlestar.spec import parse_scope
from mlestar.stages.branch import Branch, open_branch
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
        parameters={kind: block.parameters for kind, block in solution.blocks.items()},
        cost=static_cost(solution, TASK),
        standard_error=None,
        fold_scores=[],
        **outcome,
        **where,
        **spent,
    )
    return Candidates([entry], programs={solution.id: render(solution, TASK)})


def expected_seconds(candidates: Candidates, proposal: Proposal) -> float:
    scope = parse_scope(json.dumps(SPEC)).scope
    scoped = Scoped(scope, TASK, PLAN, "fingerprint", "data", {}, None, seconds_per_evaluation=0.5)
    budget = StageBudget(PLAN, "search", spent=[])
    branch = Branch(scoped, None, candidates, budget, stage="search", branch=0, step=0)  # type: ignore[arg-type]
    return branch.expected_seconds(proposal.solution)


def test_a_fit_that_was_cut_off_tells_of_its_own_model_alone() -> None:
    first, second = list(RecipeProposer(TASK).starts())[:2]
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
        evaluation = harness.evaluate(solution, seconds=lambda: 60.0, folds=2)
        assert (evaluation.status, evaluation.fits, evaluation.executed) == ("pruned", 5, 5)
        combined, records = 2, len(list(store.rglob("*.npz")))
        assert harness.fits(solution, harness.folds[:2]) == records - combined == len(harness.folds) == 5
        again = harness.evaluate(solution, seconds=lambda: 60.0, folds=2)
        assert (again.fits, again.executed) == (5, 0)
        assert again.stored_seconds > again.seconds  # of five folds, and of the two that were scored


def test_a_threshold_that_fewer_folds_chose_is_not_taken_for_that_of_more(
    search: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    task, pipeline = {"target": "target", "metric": "f1"}, {"branches": 1, "outer_steps": 1}
    rows = search(tmp_path, "sklearn:breast_cancer", task=task, budget={"evaluations": 5}, pipeline=pipeline)
    scoped = Scoped.read(rows["scope_dir"])
    threshold = find_recipe("postprocess", "threshold").block(task=scoped.task)
    solution = plain_solution(scoped.task).replace("postprocess", threshold)
    short = dataclasses.replace(scoped, plan=scoped.plan.model_copy(update={"folds": 2}))
    _evaluated(short, rows["train_dir"], str(tmp_path / "used"), solution)
    after, fresh = (_evaluated(scoped, rows["train_dir"], str(tmp_path / name), solution) for name in ("used", "new"))
    assert after.fold_scores == fresh.fold_scores


def test_a_postprocess_of_several_targets_is_fitted_on_all_of_them(
    search: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    task, pipeline = {"target": ["Weight", "Waist", "Pulse"]}, {"branches": 1, "outer_steps": 1}
    rows = search(tmp_path, "sklearn:linnerud", task=task, budget={"evaluations": 5}, pipeline=pipeline)
    scoped = Scoped.read(rows["scope_dir"])
    solution = plain_solution(scoped.task).replace("postprocess", find_recipe("postprocess", "clip").block())
    assert _evaluated(scoped, rows["train_dir"], str(tmp_path / "store"), solution).status == "ok"


def test_more_folds_later_go_on_from_what_fewer_have_stored(
    search: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    task, pipeline = {"target": "target", "metric": "roc_auc"}, {"branches": 1, "outer_steps": 1}
    rows = search(tmp_path, "sklearn:breast_cancer", task=task, budget={"evaluations": 5}, pipeline=pipeline)
    scoped, store = Scoped.read(rows["scope_dir"]), str(tmp_path / "empty")
    short = dataclasses.replace(scoped, plan=scoped.plan.model_copy(update={"folds": 2}))
    few, many = (_evaluated(each, rows["train_dir"], store, plain_solution(scoped.task)) for each in (short, scoped))
    assert (few.status, few.executed, many.status, many.executed) == ("ok", 2, "ok", 3)
    assert few.fold_scores == many.fold_scores[:2]
    assert 0.3 < np.isfinite(few.predictions).mean() < 0.5 and np.isfinite(many.predictions).all()


def _evaluated(scoped: Scoped, train_dir: Path, store: str, solution: Solution) -> Any:
    with open_harness(scoped, train_dir, store) as harness:
        return harness.evaluate(solution, seconds=lambda: 60.0)


def test_a_worse_setting_of_the_same_model_is_given_up_and_another_model_is_not(
    search: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    task, pipeline = {"target": "target", "metric": "log_loss"}, {"branches": 1, "outer_steps": 1}
    rows = search(tmp_path, "sklearn:breast_cancer", task=task, budget={"evaluations": 200}, pipeline=pipeline)
    blocks = {"clean": find_recipe("clean", "standard").block(), "encode": find_recipe("encode", "ordinal").block()}

    def solution(name: str, **parameters: Any) -> Solution:
        return Solution.of({**blocks, "model": find_recipe("model", name).block(parameters)})

    good, worse, other = solution("lightgbm"), solution("lightgbm", n_estimators=90), solution("extra_trees")
    with open_branch("search", rows["scope_dir"], rows["train_dir"], None, str(tmp_path / "s"), branch=0) as work:
        first = work.evaluate(good, "good")
        assert first is not None and first.ok
        work.accept(good)
        again = [work.evaluate(each, "again") for each in (worse, other)]
    assert [each.status for each in again if each] == ["pruned", "ok"]
    assert again[0] is not None and "with the same model" in (again[0].reason or "")


def test_how_far_behind_another_model_may_be_goes_by_what_noise_can_tell(
    search: Callable[..., dict[str, Any]], bench_data: Path, tmp_path: Path
) -> None:
    """Extra trees lack some of the lead on both tables; on the larger one this is no accident."""
    blocks = {"clean": find_recipe("clean", "standard").block()}
    boosting = {**blocks, "encode": find_recipe("encode", "ordinal").block(), "model": find_recipe("model", "lightgbm")}
    trees = {**boosting, "model": find_recipe("model", "extra_trees")}
    found, lacking, is_refined = {}, {}, {}
    for count in (2000, 7000):
        root = tmp_path / str(count)
        root.mkdir()
        table = pd.read_csv(bench_data / "adult-census" / "train.csv", nrows=count)
        table.to_csv(root / "train.csv", index=False)
        rows = search(
            root,
            str(root / "train.csv"),
            task={"target": table.columns[-1], "metric": "roc_auc"},
            budget={"evaluations": 24},
            pipeline={"branches": 1, "outer_steps": 1},
        )
        with open_branch("search", rows["scope_dir"], rows["train_dir"], None, str(root / "s"), branch=0) as work:
            first, other = (
                Solution.of({**each, "model": each["model"].block(task=work.scoped.task)}) for each in (boosting, trees)
            )
            assert work.is_better(work.evaluate(first, "boosting"))
            work.accept(first)
            found[count] = work.evaluate(other, "trees")
            lead, its = (np.mean(each.fold_scores[:2]) - 0.5 for each in (work.candidates.best, found[count]))
            lacking[count] = 1 - its / lead
            work.evaluate(other, "trees", required=True)  # as if it had been there before the best one
            is_refined[count] = not work.is_far_behind(work.candidates[other.id])
    assert 0.01 < lacking[2000] < 0.1 and 0.01 < lacking[7000] < 0.1
    assert is_refined == {2000: True, 7000: False}
    assert found[2000].status == "ok"
    assert found[7000].status == "pruned" and "lead over the trivial baseline" in found[7000].reason
