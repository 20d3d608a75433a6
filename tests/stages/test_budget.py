"""How the seconds of a run are divided."""

from __future__ import annotations

import time

import numpy as np
import pytest

from mlestar.stages.budget import Plan, Spent, StageBudget, make_plan
from mlestar.stages.environment import DEADLINE

LATE = ("ensemble", "validate", "finalize")


def plan(
    fit_seconds: float,
    *,
    wall_clock: float = 120,
    folds: int = 5,
    repeats: int = 1,
    large_folds: bool = True,
    rows: int | None = None,
) -> Plan:
    return make_plan(
        wall_clock=wall_clock,
        evaluations=None,
        outer_steps=2,
        branches=2,
        used=5,
        fit_seconds=fit_seconds,
        folds=folds,
        repeats=repeats,
        large_folds=large_folds,
        rows=rows,
    )


def test_where_fits_are_cheap_the_branches_get_the_time_that_late_stages_do_not_need() -> None:
    cheap, dear = plan(0.1).stages, plan(10.0).stages
    assert all(cheap[name] < dear[name] for name in LATE)
    assert all(cheap[name] > dear[name] for name in ("search", "ablate", "refine"))


def test_checks_and_tests_get_more_of_a_longer_run() -> None:
    short, longer = (plan(0.1, wall_clock=seconds).stages for seconds in (60, 300))
    assert all(longer[name] > 2 * short[name] for name in ("validate", "finalize"))


@pytest.mark.parametrize("fit_seconds", [0.1, 1.0, 100.0])
def test_the_stages_fit_into_the_wall_clock(fit_seconds: float) -> None:
    stages = plan(fit_seconds).stages
    in_a_row = stages["search"] + 2 * (stages["ablate"] + stages["refine"]) + sum(stages[name] for name in LATE)
    assert in_a_row < 115


def test_refinement_gets_all_that_search_left_over() -> None:
    made = plan(1.0)
    spent = [Spent(stage="search", planned_seconds=made.stages["search"], seconds=5.0, evaluations=9, executed=9)]
    left_over = made.stages["search"] - 5.0
    assert StageBudget(made, "refine", spent=spent).limit == pytest.approx(made.stages["refine"] + left_over)


def test_a_deadline_holds_whatever_was_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(1.0)
    monkeypatch.setenv(DEADLINE, str(time.monotonic() + 40.0))
    spent = [Spent(stage="search", planned_seconds=made.stages["search"], seconds=0.0, evaluations=0, executed=0)]
    budget = StageBudget(made, "refine", spent=spent, after=LATE)
    assert budget.limit <= 40.0 - sum(made.stages[name] for name in LATE)


def test_a_branch_leaves_the_time_to_fit_its_best_solution_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(0.1)
    monkeypatch.setenv(DEADLINE, str(time.monotonic() + 60.0))
    budget = StageBudget(made, "refine", spent=[], after=LATE)
    budget.keep(15.0)
    assert budget.limit <= 60.0 - 2 * 15.0 - made.stages["validate"]


def test_a_branch_that_has_nothing_yet_may_take_the_time_of_its_later_stages() -> None:
    made = plan(1.0)
    budget = StageBudget(made, "search", spent=[], after=["ablate", "refine", "ablate", "refine", *LATE])
    later = 2 * (made.stages["ablate"] + made.stages["refine"])
    assert budget.left_of_branch == pytest.approx(made.stages["search"] + later, abs=1.0)


def test_dear_fits_run_on_fewer_folds() -> None:
    assert [plan(seconds).folds for seconds in (0.1, 5.0, 100.0)] == [5, 2, 2]
    assert 2 < (plan(4.0).folds or 0) < 5


def test_small_folds_are_left_out_only_where_even_a_few_candidates_would_not_run_on_all() -> None:
    assert plan(4.0, large_folds=False).folds == 5
    assert plan(20.0, large_folds=False).folds == 2


def test_where_two_folds_of_all_rows_take_too_long_candidates_are_compared_on_fewer_rows() -> None:
    assert plan(1.0, rows=1_000_000).rows is None
    dear, dearer = plan(20.0, rows=1_000_000), plan(60.0, rows=1_000_000)
    assert 1_000_000 > (dear.rows or 0) > (dearer.rows or 0) >= 20_000
    assert dear.stages["ensemble"] > plan(20.0).stages["ensemble"]  # where the fit on all rows takes place
    assert plan(60.0, rows=15_000).rows is None


@pytest.mark.parametrize("division", [2, 3, 5])
def test_no_division_of_the_rows_ends_after_one_fold(division: int) -> None:
    """A threshold is chosen on the other folds of the same division."""
    made = [plan(seconds, folds=3 * division, repeats=3, large_folds=False).folds for seconds in np.geomspace(0.05, 20)]
    assert {each for each in made if each and each % division == 1} == set()
    assert len(set(made)) > 2
