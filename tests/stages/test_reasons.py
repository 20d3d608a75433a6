"""What a program says of how it was chosen."""

from __future__ import annotations

import pytest

from mlestar.stages.reasons import program_reason


@pytest.mark.parametrize(
    ("members", "statuses", "said"),
    [
        (1, ["ok"], "The only candidate that was tried, by"),
        (1, ["ok"] * 4, "The best of 4 candidates, by"),
        (1, ["ok", "ok", "pruned"], "The best of 3 candidates (1 stopped before the last fold), by"),
        (3, [*["ok"] * 6, *["pruned"] * 13, "timeout"], "An ensemble of 3 out of 20 candidates (13 stopped before"),
        (2, ["ok", "ok", "error", "memory"], "An ensemble of 2 out of 4 candidates (2 failed or out of time), by"),
    ],
)
def test_how_many_candidates_there_were_and_what_became_of_them(members: int, statuses: list[str], said: str) -> None:
    reason = program_reason(
        "roc_auc", 0.84621, 0.0034, members=members, statuses=statuses, compared_on="the training rows", plain=0.8263
    )
    assert reason.startswith(said)
    assert "by cross-validation on the training rows: roc_auc 0.8462 ± 0.0034 (standard error)." in reason
    assert reason.endswith("Plain gradient boosting reaches 0.8263 by it.")
