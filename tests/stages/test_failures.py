"""What is said when nothing ran."""

from __future__ import annotations

from mlestar.stages.failures import why_nothing_ran


def test_reasons_that_differ_in_numbers_count_as_one_and_the_commonest_comes_first() -> None:
    failures = [
        ("failed", "ValueError: Input X contains NaN. (solution.py, line 41, in fit: model.fit(X))"),
        ("timeout", "over the time limit of 3.5 s in fit"),
        ("timeout", "over the time limit of 12.0 s in fit"),
    ]
    assert why_nothing_ran(failures) == (
        "2x timeout: over the time limit of 3.5 s in fit; "
        "1x failed: ValueError: Input X contains NaN. (solution.py, line 41, in fit: model.fit(X)); "
        "give it a larger budget"
    )


def test_rare_reasons_are_counted_together_and_the_remedy_is_for_the_commonest() -> None:
    failures = [("failed", reason) for reason in "abcaade"]
    assert why_nothing_ran(failures) == (
        "3x failed: a; 1x failed: b; 1x failed: c; 2x something else; mend the data or the recipes that these name"
    )


def test_where_nothing_was_started_it_says_so() -> None:
    assert why_nothing_ran([]) == "none was started; give it a larger budget"
