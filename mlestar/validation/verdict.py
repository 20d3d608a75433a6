"""The verdict: all checks on one model, and whether it may be used."""

from __future__ import annotations

import os
import platform
import time
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

from mlestar.evaluation import CandidateFailure, InvalidScore
from mlestar.progress import doing, emit
from mlestar.spec import Source as SpecSource
from mlestar.validation.baselines import TRIVIAL_DESCRIPTION, trivial_predictions
from mlestar.validation.bootstrap import CONFIDENCE, drawn, score_interval
from mlestar.validation.checks import CHECKS, PREDICTS, Check, require_known
from mlestar.validation.curves import curves, over_time
from mlestar.validation.holdout import Holdout, Scored
from mlestar.validation.outcome import Outcome, Severity
from mlestar.validation.profile import profile
from mlestar.validation.served import ServedModel
from mlestar.validation.subject import JUDGED, PLAIN, TRIVIAL, Source, Subject

__all__ = ["judge"]

_OFF = "turned off by the spec"
_DESCRIPTIONS = {TRIVIAL: TRIVIAL_DESCRIPTION, PLAIN: "gradient boosting with the defaults of scikit-learn"}
_PLAIN_SHARE = 0.4  # of the time that is left
_NO_FIGURES: dict[str, Any] = {
    "score": None, "interval": None, "bootstrap": None, "baselines": {}, "curves": {}, "profile": {},
}  # fmt: skip


@dataclass(frozen=True)
class _Result:
    """One check with its outcome, as the verdict lists it."""

    id: str
    title: str
    severity: Severity
    outcome: Outcome

    def __post_init__(self) -> None:
        emit("checked", id=self.id, status=self.outcome.status)

    def document(self) -> dict[str, Any]:
        return {"id": self.id, "title": self.title, "severity": self.severity, **asdict(self.outcome)}


def judge(source: Source) -> dict[str, Any]:
    """Open the holdout, run the checks, and bless the model unless one of severity ``error`` fails.

    Returns
    -------
    dict
        The content of ``verdict.json``, see docs/contracts.md. Where the model cannot predict the holdout, there is no
        score, no interval, no curve and no profile.

    Raises
    ------
    SpecError
        When the spec gives a severity to a check that does not exist.
    """
    started = time.monotonic()
    require_known(source.scope, SpecSource())
    holdout = Holdout(source.task, source.holdout_dir)
    plain = _plain(source, holdout)
    task = source.task
    served = ServedModel(
        source.workers,
        source.program,
        source.model,
        seed=task.seed,
        threads=source.threads,
        limits=source.limits_of_required,
        scratch=source.scratch,
    )
    with closing(served):
        try:
            subject = _subject(source, holdout, served, plain)
        except (CandidateFailure, InvalidScore) as failure:
            results = _without_predictions(source, str(failure))
            found = _NO_FIGURES
        else:
            results = _results(subject)
            found = _figures(subject)
    blessed = not any(each.severity == "error" and each.outcome.status == "fail" for each in results)
    return {
        "verdict": "blessed" if blessed else "refused",
        "metric": task.metric,
        "greater_is_better": holdout.metric.greater_is_better,
        "confidence": CONFIDENCE,
        "rows": len(holdout),
        "cross_validation_score": source.score,
        **found,
        "checks": [each.document() for each in results],
        "environment": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "sandbox": served.sandbox,
        },
        "seconds": round(time.monotonic() - started, 3),
    }


def _subject(source: Source, holdout: Holdout, served: ServedModel, plain: Scored | str) -> Subject:
    doing("validate", "predictions for the holdout")
    found = served.predict(holdout.features_file)
    models = {JUDGED: holdout.scored(found.values, found.labels)}
    trivial, labels = trivial_predictions(source.task, source.train_y, len(holdout))
    models[TRIVIAL] = holdout.scored(trivial, labels)
    if isinstance(plain, Scored):
        models[PLAIN] = plain
    return Subject(
        source=source,
        holdout=holdout,
        served=served,
        models=models,
        plain_failure=plain if isinstance(plain, str) else None,
        predicted=found,
        loaded=served.loaded,
    )


def _plain(source: Source, holdout: Holdout) -> Scored | str:
    """The plain baseline, fitted on the training rows; or why there is none."""
    if source.scope.validation.checks.get("plain_baseline") == "off":
        return _OFF
    if source.seconds_left() <= 0:
        return _no_time(source)
    limits = source.limits(_PLAIN_SHARE)
    doing("validate", "plain baseline")
    try:
        with source.workers.session(
            source.plain_program, seed=source.task.seed, threads=source.threads, limits=limits
        ) as session:
            session.fit(source.train_dir / "features.arrow", source.train_dir / "target.arrow")
            found = session.predict(holdout.features_file)
        return holdout.scored(found.values, found.labels)
    except (CandidateFailure, InvalidScore) as failure:
        return str(failure)


def _results(subject: Subject) -> list[_Result]:
    """The checks that apply to this task and spec."""
    demanded = subject.source.scope.validation.checks
    found = [_predicts(Outcome("pass", f"{len(subject.holdout):,} rows were predicted"))]
    for check in CHECKS:
        severity = _severity(check, subject.source)
        outcome = Outcome("not_run", _OFF) if severity == "off" else _outcome(check, subject)
        if outcome is None:
            continue
        if outcome.status == "not_run" and demanded.get(check.id) == "error":
            reason = f"the spec demands this check, but it was not run: {outcome.summary}"
            outcome = replace(outcome, status="fail", summary=reason)
        found.append(_Result(check.id, check.title, severity, outcome))
    return found


def _severity(check: Check, source: Source) -> Severity:
    """The spec's; where it says nothing, a model that need not beat the baseline is only warned of when it does not."""
    spared = check.id == "plain_baseline" and "baseline" not in source.scope.objective.beat
    return source.scope.validation.checks.get(check.id) or ("warn" if spared else check.severity)


def _no_time(source: Source) -> str:
    because = "the run was ended early, which" if source.is_ending_early else "the budget"
    return f"{because} left no time for it; {source.remedy}"


def _outcome(check: Check, subject: Subject) -> Outcome | None:
    if check.works and subject.source.seconds_left() <= 0:
        return Outcome("not_run", _no_time(subject.source))
    doing("validate", check.title.lower())
    try:
        return check.function(subject)
    except CandidateFailure as failure:
        if failure.status == "timeout":
            return Outcome("not_run", _no_time(subject.source), {"reason": failure.reason})
        if failure.status == "out_of_memory":
            return Outcome("not_run", f"it was stopped: {failure.reason}", {"status": failure.status})
        return Outcome("fail", f"the program fails: {failure.reason}", {"status": failure.status})


def _without_predictions(source: Source, reason: str) -> list[_Result]:
    absent = Outcome("not_run", "the holdout could not be predicted")
    rest = [_Result(check.id, check.title, _severity(check, source), absent) for check in CHECKS]
    return [_predicts(Outcome("fail", f"the holdout could not be predicted: {reason}")), *rest]


def _predicts(outcome: Outcome) -> _Result:
    return _Result(PREDICTS, "Predictions for the holdout", "error", outcome)


def _figures(subject: Subject) -> dict[str, Any]:
    baselines = {
        name: {
            "score": subject.models[name].score,
            "interval": score_interval(subject.resampled[name]),
            "description": description,
        }
        for name, description in _DESCRIPTIONS.items()
        if name in subject.models
    }
    drawings, by_time = curves(subject.holdout, subject.judged), over_time(subject.holdout, subject.models)
    return {
        "score": subject.judged.score,
        "interval": subject.interval,
        "bootstrap": {"resamples": len(subject.resampled[JUDGED]), "drawn": drawn(subject.holdout)},
        "baselines": baselines,
        "curves": drawings if by_time is None else {**drawings, "over_time": by_time},
        "profile": profile(subject.source, subject.holdout),
    }
