"""Performance on the holdout, against the baselines and against what the spec demands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlestar.validation.bootstrap import CONFIDENCE, interval
from mlestar.validation.outcome import Outcome, number
from mlestar.validation.subject import JUDGED, PLAIN, TRIVIAL, Subject

__all__ = ["objective", "plain_baseline", "trivial_baseline"]


def trivial_baseline(subject: Subject) -> Outcome:
    """Not worse than predicting the same for every row."""
    return _compared(subject, TRIVIAL, "the trivial baseline")


def plain_baseline(subject: Subject) -> Outcome:
    """Not worse than gradient boosting without any care."""
    if subject.plain_failure:
        return Outcome("not_run", f"the plain baseline has no score: {subject.plain_failure}")
    outcome = _compared(subject, PLAIN, "plain gradient boosting")
    if np.array_equal(subject.judged.values, subject.models[PLAIN].values):
        outcome = replace(outcome, summary="this is plain gradient boosting: nothing that was tried is better")
    return outcome


def objective(subject: Subject) -> Outcome | None:
    """The score that the spec demands."""
    wanted = subject.source.scope.objective.at_least
    if wanted is None:
        return None
    score, holdout = subject.judged.score, subject.holdout
    reached = holdout.gain(score, wanted) >= 0
    evidence = {"score": score, "demanded": wanted, "interval": subject.interval}
    summary = f"{number(score)} where the spec demands {number(wanted)}"
    bounds = subject.interval
    if reached and bounds and min(holdout.gain(bound, wanted) for bound in bounds) < 0:
        summary += f", which is within the interval of {number(bounds[0])} to {number(bounds[1])}"
    return Outcome("pass" if reached else "fail", summary, evidence)


def _compared(subject: Subject, name: str, title: str) -> Outcome:
    """Only a significant loss fails; what cannot be told apart warns."""
    holdout, baseline = subject.holdout, subject.models[name].score
    gain = holdout.gain(subject.judged.score, baseline)
    sign = 1 if holdout.metric.greater_is_better else -1
    bounds = interval(sign * (subject.resampled[JUDGED] - subject.resampled[name]))
    evidence = {
        "score": subject.judged.score,
        "baseline": baseline,
        "gain": gain,
        "gain_interval": bounds,
        "confidence": CONFIDENCE,
    }
    scores = f"{number(subject.judged.score)} against {number(baseline)} of {title}"
    if bounds is None:
        return Outcome("warn", f"{scores}; too few rows or groups to tell the difference from noise", evidence)
    if bounds[1] < 0:
        return Outcome("fail", f"{scores}: worse beyond noise", evidence)
    if bounds[0] <= 0:
        return Outcome("warn", f"{scores}: the difference is within noise", evidence)
    return Outcome("pass", f"{scores}: better beyond noise", evidence)
