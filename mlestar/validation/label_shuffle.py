"""The label shuffle: a program that knows only what the training labels tell cannot score when they are permuted."""

from __future__ import annotations

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
_RESAMPLES = 50
_SHARE = 0.5  # of the time that is left, for one fit
_SIGNIFICANT = 3.75  # Student's t with 4 degrees of freedom, one-sided 1 %


def label_shuffle(subject: Subject) -> Outcome:
    """Refit the judged program on permuted training labels; it must not beat the trivial baseline.

    One permutation says little where features are correlated: its model points in some direction, which separates the
    classes well or the wrong way round, by luck. So a score that is better than the baseline beyond the noise of the
    holdout is followed by further permutations, and only a mean over these that is better fails.
    """
    rows = sample_rows(subject.task, subject.source.train_y, _ROWS)
    generator = np.random.default_rng(subject.task.seed)
    values, labels = trivial_predictions(subject.task, subject.source.train_y[rows], len(subject.holdout))
    trivial = subject.holdout.scored(values, labels)
    try:
        first = _shuffled(subject, rows, generator)
    except (CandidateFailure, InvalidScore) as failure:
        return Outcome("not_run", f"the fit on permuted labels gave nothing to judge: {failure}")
    gain = subject.holdout.gain(first.score, trivial.score)
    found = [first.score]
    evidence = {"rows": len(rows), "trivial": trivial.score, "scores": found}
    scores = f"fitted on permuted labels it scores {number(first.score)}, the trivial baseline {number(trivial.score)}"
    if gain <= 0 or not _beyond_noise(subject, first, trivial):
        return Outcome("pass", scores, evidence)
    try:
        repeated = [_shuffled(subject, rows, generator).score for _ in range(_REPEATS)]
    except (CandidateFailure, InvalidScore) as failure:
        return Outcome("warn", f"{scores}; whether that is luck could not be settled: {failure}", evidence)
    found += repeated
    gains = np.array([subject.holdout.gain(score, trivial.score) for score in repeated])
    error = gains.std(ddof=1) / np.sqrt(len(gains))
    mean = f"{number(float(np.mean(repeated)))} on average of {_REPEATS} permutations"
    if gains.mean() > _SIGNIFICANT * error:
        return Outcome("fail", f"{scores}, {mean}: the program knows labels that it was not given", evidence)
    return Outcome("pass", f"{scores}, but {mean}: luck of one permutation", evidence)


def _shuffled(subject: Subject, rows: np.ndarray, generator: np.random.Generator) -> Scored:
    permuted = subject.source.train_y[generator.permutation(rows)]
    found, _ = subject.refit(rows, permuted, share=_SHARE)
    return subject.holdout.scored(found.values, found.labels)


def _beyond_noise(subject: Subject, scored: Scored, trivial: Scored) -> bool:
    """Whether another holdout would have shown a gain as well, most likely."""
    scores = resampled_scores(subject.holdout, [scored, trivial], most=_RESAMPLES)
    gains = [subject.holdout.gain(score, baseline) for score, baseline in scores]
    return len(gains) > 1 and float(np.mean(gains)) > 2 * float(np.std(gains))
