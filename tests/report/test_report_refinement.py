"""What the report says about ablations and refinements: how sure each is, and what became of what was tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mlestar.evaluation.results import asked_for
from mlestar.report import Run, render
from mlestar.report.ablation import ablations
from mlestar.report.refinement import refinement_yield, refinements
from mlestar.report.story import matters

Read = Callable[[str], Run]


def with_refinement(run: Run, **changed: Any) -> Run:
    """``run`` with only its first refinement, of which something is ``changed``."""
    return replace(run, history={**run.history, "refinements": [run.history["refinements"][0] | changed]})


def with_ablations(run: Run, *rows: dict[str, Any]) -> Run:
    """``run`` with only these ablations, made from its first."""
    first = run.history["ablations"][0]
    return replace(run, history={**run.history, "ablations": [first | row for row in rows]})


def test_gain_within_the_noise_leaves_the_candidate_in_the_running(read: Read) -> None:
    run = with_refinement(read("breast_cancer"), gain=0.001, standard_error=0.005, accepted=False)
    (change,) = refinements(run)
    assert "the gain of 0.0010 roc_auc was within the noise (0.2 standard errors)" in change.outcome
    assert "the candidate stays in the running for the ensemble" in change.outcome


def test_accepted_gain_of_less_than_two_standard_errors_is_called_uncertain(read: Read) -> None:
    run = read("breast_cancer")
    (doubtful,) = refinements(with_refinement(run, gain=0.001, standard_error=0.001, accepted=True))
    (clear,) = refinements(with_refinement(run, gain=0.004, standard_error=0.001, accepted=True))
    assert doubtful.outcome == "accepted: better by 0.0010 roc_auc (1.0 standard errors, which may still be noise)"
    assert clear.outcome == "accepted: better by 0.0040 roc_auc (4.0 standard errors)"


def test_less_error_is_a_gain(read: Read) -> None:
    run = with_refinement(read("diabetes"), gain=-0.5, standard_error=1.0, accepted=False)
    assert refinements(run)[0].outcome == "not accepted: the best plan was worse by 0.50 rmse (0.5 standard errors)"


def test_refinement_without_any_difference_is_folded_away(read: Read) -> None:
    run = with_refinement(read("breast_cancer"), gain=0.0, standard_error=0.0, accepted=False)
    assert refinements(run)[0].folded
    assert refinement_yield(run) is None
    assert "1 refinement changed nothing" in render(run)


def test_gain_of_unfinished_plans_is_not_shown(read: Read) -> None:
    run = read("breast_cancer")
    plan = run.history["refinements"][0]["plans"][0] | {"status": "timeout", "score": None, "gain": 0.25}
    (change,) = refinements(with_refinement(run, plans=[plan], gain=0.25, accepted=False))
    assert change.folded
    assert change.outcome == "no plan was scored on all folds, so nothing changed"
    assert (change.plans[0]["gain"], change.plans[0]["status"]) == ("–", "out of time")


def test_accepted_recipe_is_named_with_the_one_that_it_replaced(read: Read) -> None:
    (change,) = [each for each in refinements(read("breast_cancer")) if each.accepted]
    assert change.title == "Branch 1, step 1: encode, StandardScaler → QuantileTransformer"


def test_reason_for_a_block_is_its_ablation(read: Read) -> None:
    run = with_refinement(with_ablations(read("breast_cancer"), {"effect": 0.01, "standard_error": 0.002}))
    assert refinements(run)[0].reason == (
        "with range in its place the branch lost 0.0100 ± 0.0020 roc_auc in the ablation of step 1."
    )
    assert "could not be ablated" in refinements(with_ablations(run))[0].reason


def test_an_effect_tells_on_which_folds_and_against_what_it_was_measured(read: Read) -> None:
    measured = {"effect": 0.01, "standard_error": 0.002, "reason": asked_for(2, of=5)}
    run = with_ablations(read("breast_cancer"), {**measured, "variant": "without encode", "block": "encode"})
    (text,) = [finding.text for finding in matters(run) if finding.title == "The encode block"]
    branch = run.history["ablations"][0]["branch"]
    assert text == f"Without it, branch {branch} loses 0.0100 ± 0.0020 cross-validated roc_auc (2 of 5 folds)."


def test_a_block_keeps_the_case_of_its_name(read: Read) -> None:
    run = with_ablations(read("breast_cancer"), {"effect": 0.01, "standard_error": 0.002, "variant": "encode: OneHot"})
    assert any(finding.text.startswith("With OneHot in its place, branch ") for finding in matters(run))


def test_ablations_of_a_branch_that_nothing_ships_from_do_not_matter(read: Read) -> None:
    run = with_ablations(read("breast_cancer"), {"effect": 0.01, "standard_error": 0.002, "branch": 7})
    assert not [
        finding for finding in matters(run) if finding.title.endswith("block") and "Refining" not in finding.title
    ]


def test_effect_on_a_single_fold_is_never_called_clear(read: Read) -> None:
    run = with_ablations(read("breast_cancer"), {"effect": 0.3, "standard_error": None, "reason": asked_for(1, of=5)})
    (ablation,) = ablations(run)
    assert "+0.3000 (1 of 5 folds)" in str(ablation.chart)
    assert "estimate faint" in str(ablation.chart)
    assert not [finding for finding in matters(run) if "block" in finding.title and "Refining" not in finding.title]


def test_what_matters_most_comes_first_whatever_the_other_branch_measured(read: Read) -> None:
    clear = {"standard_error": 0.001}
    run = with_ablations(
        read("breast_cancer"),
        {"block": "model", "effect": 0.01, **clear},
        {"block": "encode", "effect": 0.2, **clear},
        {"block": "model", "effect": 0.5, "branch": 1, **clear},
    )
    titles = [finding.title for finding in matters(run)]
    assert titles.index("The model block") < titles.index("The encode block")


def test_repeated_ablation_of_a_candidate_counts_once(read: Read) -> None:
    run = with_ablations(
        read("breast_cancer"),
        {"step": 1, "seconds": 5.0, "effect": 0.01, "standard_error": 0.001},
        {"step": 2, "seconds": 1.0, "effect": 0.02, "standard_error": 0.009},
    )
    (ablation,) = ablations(run)
    assert ablation.title.startswith("Branch 1, steps 1 and 2: ")
    assert "+0.0100 ± 0.0010" in str(ablation.chart)
    assert "+0.0200" not in str(ablation.chart)


def test_ablation_without_a_measurement_says_why(read: Read) -> None:
    unmeasured = {"effect": None, "standard_error": None, "status": "timeout", "reason": "limit 0.1 s"}
    (ablation,) = ablations(with_ablations(read("breast_cancer"), unmeasured))
    assert ablation.chart is None
    assert ablation.unmeasured == ["encode → range: out of time (limit 0.1 s)"]


def test_a_refinement_matters_only_where_the_judged_model_came_from_it(read: Read) -> None:
    run = read("breast_cancer")
    refined = next(each for each in run.history["refinements"] if each["accepted"])
    refined = refined | {"gain": 0.02, "standard_error": 0.001}
    later = {**run.candidate(refined["after"]), "id": "later", "parent": refined["after"]}
    run = replace(
        run,
        history={**run.history, "refinements": [refined]},
        candidates={**run.candidates, "candidates": [*run.candidates["candidates"], later]},
    )

    def shipping(identifier: str) -> list[str]:
        judged = replace(run, ensemble={**run.ensemble, "members": [{"id": identifier, "branch": 0, "score": 0.9}]})
        return [
            finding.text for finding in matters(judged) if finding.title == f"Refining the {refined['block']} block"
        ]

    model = run.candidate(refined["before"])["recipes"]["model"]
    (text,) = shipping(refined["after"])
    assert text.startswith(f"The candidate with the model {model} gained 0.0200 ± 0.0010 cross-validated roc_auc")
    assert shipping("later") == [text]
    other = next(each["id"] for each in run.tried if each["stage"] == "search")
    assert not shipping(other)
