"""Whole verdicts: good models are blessed, others are refused, and what was not run is visible."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlestar.data.tables import read_arrow
from mlestar.errors import SpecError
from mlestar.recipes import plain_solution
from mlestar.solution import render
from mlestar.validation.bootstrap import score_interval

Split = Callable[..., Any]
Verdict = dict[str, Any]


def failed(verdict: Verdict) -> list[str]:
    return [check["id"] for check in verdict["checks"] if check["status"] == "fail"]


def test_a_good_classifier_is_blessed(split: Split, program: Any, verdict_on: Callable[..., Verdict]) -> None:
    data = split("sklearn:breast_cancer", "target", metric="roc_auc")
    verdict = verdict_on(data, program(data.task), score=0.99)
    assert verdict["verdict"] == "blessed"
    assert failed(verdict) == []
    assert verdict["score"] > 0.97
    assert verdict["interval"][0] <= verdict["score"] <= verdict["interval"][1]
    assert verdict["baselines"]["trivial"]["score"] == 0.5
    assert verdict["score"] > verdict["baselines"]["trivial"]["score"]
    assert {check["status"] for check in verdict["checks"]} <= {"pass", "warn"}


def test_a_good_regressor_is_blessed(split: Split, program: Any, verdict_on: Callable[..., Verdict]) -> None:
    data = split("sklearn:diabetes", "target", metric="rmse")
    verdict = verdict_on(data, program(data.task), score=55.0)
    assert verdict["verdict"] == "blessed"
    assert not verdict["greater_is_better"]
    assert len(verdict["curves"]["residuals"]["true"]) == verdict["rows"]


def test_several_classes(split: Split, program: Any, verdict_on: Callable[..., Verdict]) -> None:
    data = split("sklearn:wine", "target", metric="log_loss")
    verdict = verdict_on(data, program(data.task, model="lightgbm"), score=0.1)
    assert verdict["verdict"] == "blessed"
    confusion = verdict["curves"]["confusion"]
    assert np.sum(confusion["matrix"]) == verdict["rows"]
    assert confusion["classes"] == ["class_0", "class_1", "class_2"]
    assert sum(verdict["curves"]["calibration"]["count"]) == verdict["rows"]


def test_several_targets(split: Split, program: Any, verdict_on: Callable[..., Verdict]) -> None:
    data = split("sklearn:linnerud", ["Weight", "Waist", "Pulse"])
    verdict = verdict_on(data, program(data.task, model="extra_trees"), score=15.0)
    assert {check["status"] for check in verdict["checks"] if check["id"] == "missing_values"} <= {"pass", "warn"}
    assert len(verdict["curves"]["residuals"]["predicted"][0]) == 3


def test_real_categories(split: Split, program: Any, verdict_on: Callable[..., Verdict], bench_data: Path) -> None:
    data = split(str(bench_data / "telco-churn" / "train.csv"), "Churn", metric="roc_auc")
    verdict = verdict_on(data, program(data.task, encode="onehot"), score=0.84)
    assert verdict["verdict"] == "blessed"
    assert "unseen_categories" in [check["id"] for check in verdict["checks"]]
    assert len(verdict["curves"]["roc"]["thresholds"]) <= 200
    assert verdict["curves"]["roc"]["true_positive_rate"][-1] == 1.0


def test_rows_that_belong_together_are_drawn_together(
    split: Split, program: Any, verdict_on: Callable[..., Verdict], bench_data: Path
) -> None:
    single = split(str(bench_data / "telco-churn" / "train.csv"), "Churn", metric="roc_auc")
    grouped = split(str(bench_data / "telco-churn" / "train.csv"), "Churn", metric="roc_auc", group="tenure")
    width = {}
    for name, data in (("single", single), ("grouped", grouped)):
        low, high = verdict_on(data, program(data.task), only=["trivial_baseline"])["interval"]
        width[name] = high - low
    assert width["grouped"] > 1.3 * width["single"]


def test_resamples_that_all_agree_make_no_interval_of_a_score() -> None:
    assert score_interval(np.ones(100)) is None
    assert score_interval(np.linspace(0.8, 1.0, 201)) == pytest.approx((0.805, 0.995))


def test_a_model_of_shuffled_labels_is_refused(split: Split, program: Any, verdict_on: Callable[..., Verdict]) -> None:
    data = split("sklearn:breast_cancer", "target", metric="log_loss")
    labels = read_arrow(data.train_dir / "target.arrow")["target"].to_numpy()
    shuffled = np.random.default_rng(0).permutation(labels)
    checks = ["trivial_baseline", "plain_baseline"]
    verdict = verdict_on(data, program(data.task), labels=shuffled, only=checks, score=0.1)
    assert verdict["verdict"] == "refused"
    assert "plain_baseline" in failed(verdict)


def test_a_search_that_has_found_nothing_better_than_the_plain_baseline_is_told(
    split: Split, verdict_on: Callable[..., Verdict]
) -> None:
    data = split("sklearn:diabetes", "target", metric="rmse")
    plain = render(plain_solution(data.task), data.task, notes=["The best of 3 candidates."])
    checks = verdict_on(data, plain, only=["plain_baseline"])["checks"]
    (check,) = [each for each in checks if each["id"] == "plain_baseline"]
    assert check["status"] == "warn"
    assert check["summary"] == "this is plain gradient boosting: nothing that was tried is better"


def test_a_model_that_cannot_predict_is_refused_with_the_reason(
    split: Split, program: Any, verdict_on: Callable[..., Verdict]
) -> None:
    data = split("sklearn:diabetes", "target", metric="rmse")
    good = program(data.task)
    broken = good.replace('"""Values (rows,)."""', 'raise RuntimeError("out of order")')
    verdict = verdict_on(data, good, judged_program=broken)
    assert verdict["verdict"] == "refused"
    assert verdict["score"] is None
    assert failed(verdict) == ["holdout_predictions"]
    assert "out of order" in verdict["checks"][0]["summary"]


@pytest.mark.parametrize(
    ("is_ending_early", "reason"), [(False, "the budget left no time for it"), (True, "the run was ended early")]
)
def test_without_time_the_cheap_checks_decide(
    split: Split, program: Any, verdict_on: Callable[..., Verdict], is_ending_early: bool, reason: str
) -> None:
    data = split("sklearn:breast_cancer", "target", metric="roc_auc")
    verdict = verdict_on(
        data, program(data.task), score=0.99, seconds_left=lambda: 0.0, is_ending_early=is_ending_early
    )
    latency = next(check for check in verdict["checks"] if check["id"] == "latency")
    assert latency["summary"].startswith(reason)
    statuses = {check["id"]: check["status"] for check in verdict["checks"]}
    assert statuses["label_shuffle"] == statuses["latency"] == "not_run"
    assert statuses["trivial_baseline"] == "pass"
    assert verdict["verdict"] == "blessed"


def test_what_the_spec_demands_must_have_been_run(
    split: Split, program: Any, verdict_on: Callable[..., Verdict]
) -> None:
    data = split("sklearn:breast_cancer", "target", metric="roc_auc")
    demanding = data.with_scope(validation={"checks": {"label_shuffle": "error"}})
    verdict = verdict_on(demanding, program(data.task), score=0.99, seconds_left=lambda: 0.0)
    assert verdict["verdict"] == "refused"
    assert failed(verdict) == ["label_shuffle"]


@pytest.mark.parametrize(("severity", "expected"), [("error", "refused"), ("warn", "blessed"), ("off", "blessed")])
def test_the_spec_decides_what_a_failure_means(
    severity: str, expected: str, split: Split, program: Any, verdict_on: Callable[..., Verdict]
) -> None:
    data = split("sklearn:breast_cancer", "target", metric="roc_auc")
    strict = data.with_scope(objective={"at_least": 0.9999}, validation={"checks": {"objective": severity}})
    assert verdict_on(strict, program(data.task), only=["objective"])["verdict"] == expected


def test_an_unknown_check_is_refused_with_a_suggestion(
    split: Split, program: Any, verdict_on: Callable[..., Verdict]
) -> None:
    data = split("sklearn:diabetes", "target", metric="rmse")
    wrong = data.with_scope(validation={"checks": {"label_shufle": "off"}})
    with pytest.raises(SpecError, match="did you mean 'label_shuffle'"):
        verdict_on(wrong, program(data.task))
