"""The last lines of a run name all that is not known of the model, so that nobody takes silence for a pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlestar.cli.summary import summarize
from mlestar.engines.local import Outcome, RunFolder

NO_TIME = "the budget left no time for it"


def check(name: str, status: str, summary: str, severity: str = "warn") -> dict[str, Any]:
    return {"id": name, "title": name.capitalize(), "status": status, "summary": summary, "severity": severity}


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    checks = [
        check("overfit", "pass", "no gap"),
        check("importance", "not_run", NO_TIME),
        check("label_shuffle", "not_run", NO_TIME, "error"),
        check("latency", "not_run", "turned off by the spec", "off"),
    ]
    verdict = {
        "verdict": "blessed", "metric": "rmse", "score": 2.5, "interval": [2.25, 2.75], "confidence": 0.95,
        "rows": 100, "cross_validation_score": 2.4, "baselines": {"plain": {"score": 3.0}}, "checks": checks,
    }  # fmt: skip
    folder = RunFolder(tmp_path / "runs" / "prices")
    notes = ["test_solution.py leaves out what there was no time to try: second fit"]
    return Outcome(
        folder=folder, blessed=True, verdict=verdict, predictions=None, stages_run=7, ended_early=False, notes=notes
    )


@pytest.fixture
def said(outcome: Outcome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.chdir(tmp_path)
    summarize(outcome, 0)
    return capsys.readouterr().out


def test_checks_that_were_wanted_and_not_run_are_named_by_their_reason(said: str) -> None:
    assert f"not run: Importance, Label_shuffle: {NO_TIME}" in said
    assert "Latency" not in said


def test_what_the_model_lacks_is_said(said: str) -> None:
    assert "note: test_solution.py leaves out what there was no time to try: second fit" in said


def test_next_step_can_be_copied(said: str) -> None:
    assert "mlestar predict runs/prices TABLE --out predictions.csv" in said


def test_refused_model_suggests_no_prediction(outcome: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    summarize(replace(outcome, blessed=False, verdict={**outcome.verdict, "verdict": "refused"}), 1)
    assert "mlestar predict" not in capsys.readouterr().out
