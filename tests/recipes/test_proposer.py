"""The proposer: what it proposes runs, differs, and comes out the same under the same seed."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from mlestar.data.task import Column, Task
from mlestar.errors import SolutionError
from mlestar.recipes import RecipeProposer, Trial, catalogue, find_recipe, static_cost
from mlestar.solution import Block, Solution

HOUSES = Task(
    name="houses",
    type="regression",
    targets=("price",),
    metric="rmse",
    columns=(
        Column(name="area", storage="number", role="numeric"),
        Column(name="rooms", storage="number", role="numeric"),
        Column(name="town", storage="string", role="categorical"),
        Column(name="listed", storage="date", role="date"),
        Column(name="advert", storage="string", role="text"),
    ),
    rows=2000,
    splitter="kfold",
    folds=5,
)
PLAIN = HOUSES.model_copy(update={"columns": HOUSES.columns[:2]})


MODELS = {
    *("lightgbm", "catboost", "hist_gradient_boosting", "xgboost"),
    *("extra_trees", "random_forest", "ridge", "elastic_net"),
}


def branch_of(task: Task, branch: int, branches: int) -> RecipeProposer:
    return RecipeProposer(task, branch=branch, branches=branches)


def settings_of(model: str) -> list[Trial]:
    """All settings that are proven, tried."""
    recipe = find_recipe("model", model)
    return [Trial(model, recipe.defaults | each) for each in recipe.settings(PLAIN)]


def in_smaller_steps() -> Trial:
    """LightGBM with twice the trees, each half as strong."""
    defaults = find_recipe("model", "lightgbm").defaults
    trees, rate = 2 * defaults["n_estimators"], defaults["learning_rate"] / 2
    return Trial("lightgbm", {**defaults, "n_estimators": trees, "learning_rate": rate})


def solution(**names: str) -> Solution:
    return Solution.of({kind: find_recipe(kind, name).block() for kind, name in names.items()})


def refine(task: Task, start: Solution, kind: str, scores: list[float], seed: int = 0) -> list[Solution]:
    """The plans for one block, each tried with the next score."""
    proposer = RecipeProposer(task, seed)
    trials, found = [], []
    for score in scores:
        plan = proposer.plan(start, kind, trials)
        if plan is None:
            break
        found.append(plan.solution)
        block = plan.solution.blocks[kind]
        trials.append(Trial(block.name, block.parameters, score))
    return found


@pytest.mark.parametrize("branches", [1, 2, 3])
def test_branches_share_the_models_out(branches: int) -> None:
    dealt = [
        {each.solution.blocks["model"].name for each in branch_of(HOUSES, branch, branches).starts()}
        for branch in range(branches)
    ]
    assert sorted(name for names in dealt for name in names) == sorted(MODELS)


def test_a_branch_refines_with_its_own_models() -> None:
    start, trials, proposer = solution(clean="standard", encode="ordinal", model="lightgbm"), [], branch_of(PLAIN, 0, 2)
    for _ in range(15):
        plan = proposer.plan(start, "model", trials)
        assert plan is not None
        block = plan.solution.blocks["model"]
        trials.append(Trial(block.name, block.parameters, 1.0))
    other = {each.solution.blocks["model"].name for each in branch_of(PLAIN, 1, 2).starts()}
    assert "catboost" in other and not other & {trial.name for trial in trials}


def test_a_model_that_no_encoding_is_for_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = replace(find_recipe("model", "ridge"), name="deep", family="neural", sparse=False)
    known = catalogue()
    monkeypatch.setattr(sys.modules["mlestar.recipes.catalogue"], "catalogue", lambda: (*known, deep))
    with pytest.raises(SolutionError, match="model_deep: no encode recipe is for its family 'neural'; name the family"):
        list(RecipeProposer(PLAIN).starts())


def test_branches_beyond_the_models_start_from_other_settings() -> None:
    branches = len(MODELS) + 1
    first, late = (next(branch_of(HOUSES, branch, branches).starts()) for branch in (0, branches - 1))
    assert first.solution.blocks["model"].name == late.solution.blocks["model"].name
    assert first.solution.id != late.solution.id


def test_starts_use_dates_and_texts() -> None:
    proposals = list(RecipeProposer(HOUSES).starts())
    for proposal in proposals:
        blocks = proposal.solution.blocks
        assert "dates" in blocks["features"].name
        assert ("text" in blocks["features"].name) != (blocks["encode"].name == "tfidf")
    assert len({proposal.solution.id for proposal in proposals}) == len(proposals)


def test_in_the_order_of_time_every_start_is_tried_without_its_trend_as_well() -> None:
    ordered = HOUSES.model_copy(update={"time": "listed", "splitter": "time"})
    starts = [each.solution for each in RecipeProposer(ordered).starts()]
    for with_trend, without in zip(starts[::2], starts[1::2], strict=True):
        one, other = with_trend.blocks["features"], without.blocks["features"]
        assert other.name == f"{one.name}+untrended"
        assert other.parameters.items() >= one.parameters.items()
        assert without.replace("features", None).id == with_trend.replace("features", None).id


def test_starts_suit_the_metric() -> None:
    counts = HOUSES.model_copy(update={"metric": "rmsle"})
    assert all("target" in each.solution.blocks for each in RecipeProposer(counts).starts())
    rare = HOUSES.model_copy(update={"type": "binary", "metric": "f1", "classes": (0, 1)})
    assert all("postprocess" in each.solution.blocks for each in RecipeProposer(rare).starts())
    assert not any("postprocess" in each.solution.blocks for each in RecipeProposer(HOUSES).starts())


def test_nulls_swap_one_block_each() -> None:
    start = solution(
        clean="standard", features="dates", encode="native", target="log1p", model="catboost", postprocess="clip"
    )
    nulls = dict(RecipeProposer(HOUSES).nulls(start))
    assert list(nulls) == ["clean", "features", "encode", "target", "model", "postprocess"]
    assert nulls["model"].solution.blocks["model"].name == "ridge"
    assert "features" not in nulls["features"].solution.blocks
    for kind, proposal in nulls.items():
        assert proposal.solution.replace(kind, start.blocks[kind]).id == start.id


def test_nothing_to_ablate_where_all_is_null() -> None:
    assert RecipeProposer(HOUSES).nulls(solution(clean="minimal", encode="ordinal", model="ridge")) == []


@pytest.mark.parametrize("kind", ["clean", "features", "encode", "target", "model", "postprocess"])
def test_plans_change_one_block_and_never_repeat(kind: str) -> None:
    start = solution(clean="standard", encode="ordinal", model="lightgbm")
    plans = refine(HOUSES, start, kind, [1.0] * 12)
    assert plans
    assert len({plan.id for plan in [start, *plans]}) == len(plans) + 1
    for plan in plans:
        assert plan.replace(kind, start.blocks.get(kind)).id == start.id


def test_proven_settings_come_first_then_other_models_then_smaller_steps_then_draws() -> None:
    start = solution(clean="standard", encode="ordinal", model="lightgbm")
    proven = [each for each in settings_of("lightgbm") if each.parameters != start.blocks["model"].parameters]
    plans = refine(PLAIN, start, "model", [1.0] * (len(proven) + len(MODELS) + 4))
    names = [plan.blocks["model"].name for plan in plans]
    others = names[len(proven) : len(proven) + names.index("lightgbm", len(proven)) - len(proven)]
    assert set(names[: len(proven)]) == {"lightgbm"}
    assert others[:2] == ["catboost", "extra_trees"] and len(set(others)) == len(others) > 3
    assert set(names[len(proven) + len(others) :]) == {"lightgbm"}
    assert plans[len(proven) + len(others)].blocks["model"].parameters == in_smaller_steps().parameters


def test_features_are_added_and_taken_away_one_at_a_time() -> None:
    start = solution(clean="standard", features="dates", encode="ordinal", model="lightgbm")
    chains = [plan.blocks["features"].name for plan in refine(HOUSES, start, "features", [1.0] * 4)]
    assert chains[:2] == ["dates+text", "dates+arithmetic"]
    assert all(chain.startswith("dates+") and chain.count("+") == 1 for chain in chains)


def test_what_needs_the_time_comes_before_it_is_left_out() -> None:
    ordered = HOUSES.model_copy(update={"time": "listed", "splitter": "time"})
    start = solution(clean="standard", features="dates+untrended", encode="ordinal", model="lightgbm")
    chains = [plan.blocks["features"].name for plan in refine(ordered, start, "features", [1.0] * 4)]
    assert "dates+history+untrended" in chains
    assert not any("untrended+" in chain for chain in chains)


def test_models_are_given_what_they_can_take() -> None:
    start = solution(clean="standard", encode="tfidf", model="ridge")
    names = {plan.blocks["model"].name for plan in refine(HOUSES, start, "model", [1.0] * 8)}
    assert names == {"ridge", "lightgbm", "xgboost", "elastic_net"}


def test_what_other_solutions_do_is_merged_where_it_has_a_purpose() -> None:
    """Components leave no text for TF-IDF to read, and boosting of scikit-learn takes no sparse matrix."""
    words = solution(clean="standard", encode="tfidf", model="ridge")
    trees = solution(clean="standard", features="text", encode="onehot", model="hist_gradient_boosting")
    assert not RecipeProposer.fits_together(words.replace("features", trees.blocks["features"]))
    assert not RecipeProposer.fits_together(trees.replace("encode", words.blocks["encode"]))
    assert RecipeProposer.fits_together(words.replace("encode", find_recipe("encode", "onehot").block()))


def test_starts_fit_together() -> None:
    assert all(RecipeProposer.fits_together(each.solution) for each in RecipeProposer(HOUSES).starts())


def test_same_seed_same_plans() -> None:
    start = solution(clean="standard", encode="ordinal", model="lightgbm")
    scores = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9, 0.05] * 3
    first, again, other = (refine(PLAIN, start, "model", scores, seed) for seed in (1, 1, 2))
    assert [each.id for each in first] == [each.id for each in again] != [each.id for each in other]


def test_search_follows_the_scores() -> None:
    """Where many leaves are told to be good, later plans have more of them; rmse: smaller is better."""
    start = solution(clean="standard", encode="ordinal", model="lightgbm")

    def leaves(sign: float) -> float:
        proposer = RecipeProposer(PLAIN)
        trials = [Trial(each.solution.blocks["model"].name, {}) for each in proposer.starts()]
        for _ in range(30):
            plan = proposer.plan(start, "model", trials)
            assert plan is not None
            parameters = plan.solution.blocks["model"].parameters
            trials.append(Trial("lightgbm", parameters, sign * parameters["num_leaves"]))
        return sum(trial.parameters["num_leaves"] for trial in trials[-8:]) / 8

    assert leaves(-1.0) > leaves(1.0) + 4


def test_of_much_prose_single_words_are_tried_before_all_sequences_of_characters() -> None:
    long = HOUSES.columns[-1].model_copy(update={"length": 1500.0})
    task = HOUSES.model_copy(update={"columns": (*HOUSES.columns[:-1], long)})
    starts = [each.solution for each in RecipeProposer(task).starts()]
    linear = [each for each in starts if each.blocks["model"].name == "ridge"]
    assert {each.blocks["encode"].name for each in linear} == {"tfidf"}  # its components say less
    first, second = (each.blocks["encode"].parameters for each in linear[:2])
    assert (first["word_ngrams"], first["character_ngrams"]) == (1, 0)
    assert second["character_ngrams"] == 5
    assert static_cost(linear[0], task) < static_cost(linear[1], task) / 4
    assert all(
        each.blocks["features"].parameters["character_ngrams"] == 0
        for each in starts
        if "text" in each.blocks["features"].name
    )


def test_of_many_rows_other_boosting_is_tried_before_forests_and_perceptrons() -> None:
    table = HOUSES.model_copy(update={"columns": HOUSES.columns[:3]})  # with texts, linear models come first anyway
    for rows, boosting_first in ((7_999, False), (8_000, True), (150_000, True)):
        starts = list(RecipeProposer(table.model_copy(update={"rows": rows})).starts())
        models = list(dict.fromkeys(each.solution.blocks["model"].name for each in starts))
        boosting, others = ("hist_gradient_boosting", "xgboost"), ("extra_trees", "mlp")
        assert (max(map(models.index, boosting)) < min(map(models.index, others))) is boosting_first


def test_a_block_of_unknown_origin_can_be_replaced_but_not_tuned() -> None:
    own = Block("features", "def features(ctx, *, power=2):\n    return None\n", name="own")
    start = solution(clean="standard", encode="ordinal", model="lightgbm").replace("features", own)
    plans = refine(PLAIN, start, "features", [1.0] * 5)
    assert [plan.blocks["features"].name for plan in plans] == ["arithmetic", "clusters", "neighbours", "winsorising"]


def test_what_failed_is_not_proposed_again() -> None:
    start = solution(clean="standard", encode="ordinal", model="lightgbm")
    trials = [*settings_of("lightgbm"), Trial("catboost", {}, None)]
    plan = RecipeProposer(PLAIN).plan(start, "model", trials)
    assert plan is not None
    assert plan.solution.blocks["model"].name == "extra_trees"


@pytest.mark.parametrize("branch", [0, 1])
def test_starts_run_on_real_data(
    program_of: Callable[[Solution, Task], ModuleType], bench_data: Path, branch: int
) -> None:
    table = pd.read_csv(bench_data / "penguins" / "train.csv")
    y = table.pop("species").to_numpy()
    numeric = set(table.select_dtypes("number").columns)
    task = Task(
        name="penguins",
        type="multiclass",
        targets=("species",),
        metric="accuracy",
        classes=tuple(sorted(set(y))),
        columns=tuple(
            Column(name=name, storage="number", role="numeric")
            if name in numeric
            else Column(name=name, storage="string", role="categorical")
            for name in table
        ),
        rows=len(table),
        splitter="stratified",
        folds=5,
    )
    for proposal in itertools.islice(branch_of(task, branch, 2).starts(), 3):
        model = program_of(proposal.solution, task).Solution().fit(table.iloc[:160], y[:160])
        assert (model.predict(table.iloc[160:]) == y[160:]).mean() > 0.9, proposal.name
