"""The label shuffle: a program that knows only what the training labels tell cannot score when they are permuted."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlestar.evaluation import CandidateFailure, InvalidScore
from mlestar.validation.baselines import trivial_predictions
from mlestar.validation.bootstrap import resampled_scores
from mlestar.validation.holdout import Scored, sample_rows
from mlestar.validation.outcome import Outcome, number
from mlestar.validation.subject import Subject

__all__ = ["label_shuffle"]

_ROWS = 2000
_REPEATS = 5
_SHARE = 0.5  # of the time that is left, for one fit
_RESAMPLES = 50
_SIGNIFICANT = 3.75  # Student's t with 4 degrees of freedom, one-sided 1 %


@dataclass(frozen=True)
class _Fit:
    """A model of permuted labels beside the same predictions dealt to the rows at random."""

    model: Scored
    dealt: Scored


def label_shuffle(subject: Subject) -> Outcome:
    """Refit the judged program on permuted training labels; it must not beat the trivial baseline.

    Two things besides knowledge let such a model beat it. It may predict another constant, or another share of
    positives, that suits the holdout or the metric better; so it must also beat its own predictions dealt to the rows
    at random. And where features are correlated, it points in some direction that orders the rows well, or the wrong
    way round, by luck; so what looks better is repeated, and only a better mean over further permutations fails.
    """
    rows = sample_rows(subject.task, subject.source.train_y, _ROWS)
    generator = np.random.default_rng(subject.task.seed)
    values, labels = trivial_predictions(subject.task, subject.source.train_y[rows], len(subject.holdout))
    trivial = subject.holdout.scored(values, labels)
    started = time.monotonic()
    try:
        first = _fit(subject, rows, generator)
    except (CandidateFailure, InvalidScore) as failure:
        if isinstance(failure, CandidateFailure) and failure.status == "timeout":
            raise
        return Outcome("not_run", f"the fit on permuted labels gave nothing to judge: {failure}")
    scores, dealt = [first.model.score], [first.dealt.score]
    evidence: dict[str, Any] = {"rows": len(rows), "trivial": trivial.score, "scores": scores, "dealt_at_random": dealt}
    summary = (
        f"fitted on permuted labels it scores {number(first.model.score)}, the trivial baseline {number(trivial.score)}"
    )
    if not all(_is_better(subject, first.model, other) for other in (trivial, first.dealt)):
        return Outcome("pass", summary, evidence)
    repeats_seconds = (time.monotonic() - started) * _REPEATS
    if repeats_seconds > subject.source.seconds_left():
        reason = f"to settle whether that is luck takes some {number(repeats_seconds)} s, more than was left"
        return Outcome("not_run", f"{summary}; {reason}", evidence)
    try:
        repeated = [_fit(subject, rows, generator) for _ in range(_REPEATS)]
    except (CandidateFailure, InvalidScore) as failure:
        return Outcome("warn", f"{summary}; whether that is luck could not be settled: {failure}", evidence)
    scores += [each.model.score for each in repeated]
    dealt += [each.dealt.score for each in repeated]
    mean = f"{number(float(np.mean(scores[1:])))} on average of {_REPEATS} permutations"
    if _is_better_on_average(subject, repeated, trivial):
        return Outcome("fail", f"{summary}, {mean}: the program knows labels that it was not given", evidence)
    return Outcome("pass", f"{summary}, but {mean}, which is luck", evidence)


def _fit(subject: Subject, rows: np.ndarray, generator: np.random.Generator) -> _Fit:
    permuted = subject.source.train_y[generator.permutation(rows)]
    found, _ = subject.refit(rows, permuted, share=_SHARE)
    order = generator.permutation(len(found.values))
    labels = None if found.labels is None else found.labels[order]
    return _Fit(
        model=subject.holdout.scored(found.values, found.labels),
        dealt=subject.holdout.scored(found.values[order], labels),
    )


def _is_better(subject: Subject, model: Scored, other: Scored) -> bool:
    """Whether another holdout would show a gain as well, most likely."""
    if subject.holdout.gain(model.score, other.score) <= 0:
        return False
    scores = resampled_scores(subject.holdout, [model, other], most=_RESAMPLES)
    gains = [subject.holdout.gain(new, old) for new, old in scores]
    return len(gains) > 1 and float(np.mean(gains)) > 2 * float(np.std(gains))


def _is_better_on_average(subject: Subject, fits: list[_Fit], trivial: Scored) -> bool:
    gains = [min(subject.holdout.gain(fit.model.score, other.score) for other in (trivial, fit.dealt)) for fit in fits]
    return float(np.mean(gains)) > _SIGNIFICANT * float(np.std(gains, ddof=1)) / np.sqrt(len(gains))
