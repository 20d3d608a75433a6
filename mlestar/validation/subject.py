"""The subject of the checks: the judged model, the data, and what both gave so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import isinf
from pathlib import Path

import numpy as np
import pandas as pd

from mlestar.data.tables import read_arrow, write_arrow
from mlestar.data.task import Task
from mlestar.evaluation import CandidateFailure, InvalidScore, Limits, Phase, Predictions, Workers, insisting
from mlestar.evaluation.folds import read_target
from mlestar.spec import Scope
from mlestar.validation.bootstrap import resampled_scores, score_interval
from mlestar.validation.holdout import Holdout, Scored, sample_rows
from mlestar.validation.served import ServedModel

__all__ = ["JUDGED", "PLAIN", "SINGLE_ROWS", "SURELY", "TRIVIAL", "Source", "Subject"]

JUDGED, TRIVIAL, PLAIN = "judged", "trivial", "plain"
_SAMPLED_ROWS = 500  # on which the effect of odd input is measured
SINGLE_ROWS, _SINGLE_CALLS, _FEWEST_CALLS, _SINGLE_SECONDS = 20, 100, 5, 2.0
_LEAST_SECONDS, _MOST_SECONDS = 3.0, 3600.0
SURELY = 0.8
"""Of the seconds that a fit is likely to take; with less, it would be cut off."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What the stage hands in.

    Attributes
    ----------
    scope : Scope
    task : Task
    program : str
        The judged program.
    model : Path
        Its state, fitted on the training rows.
    rows : int
        How many of the training rows that is: all, where there was the time.
    fit_seconds : float
        What that fit took.
    score : float
        Its cross-validated score.
    plain_program : str
        The plain baseline.
    train_dir, holdout_dir : Path
    workers : Workers
    memory_mb : float
        What one session may use.
    threads : int
        Of a fit on all rows.
    seconds_left : callable
        Until the stage has to end; infinite where seconds play no part.
    scratch : Path
        A private folder.
    is_ending_early : bool
        Whether whoever watches the run has asked for its end, so that little time is left.
    openings : int or None
        How many models were judged on this holdout, this one included, as far as is known.
    """

    scope: Scope
    task: Task
    program: str
    model: Path
    rows: int
    fit_seconds: float
    score: float
    plain_program: str
    train_dir: Path
    holdout_dir: Path
    workers: Workers
    memory_mb: float
    threads: int
    seconds_left: Callable[[], float]
    scratch: Path
    is_ending_early: bool = False
    openings: int | None = None

    @cached_property
    def train_features(self) -> pd.DataFrame:
        return read_arrow(self.train_dir / "features.arrow")

    @cached_property
    def train_y(self) -> np.ndarray:
        """Class numbers (rows,), values (rows,), or values (rows, outputs)."""
        return read_target(self.train_dir, self.task)

    @property
    def remedy(self) -> str:
        """What gives a check more time."""
        return "the same command goes on" if self.is_ending_early else "raise budget.wall_clock"

    def allowance(self, most: float) -> float:
        """Seconds for one check that can stop at any time: at most a third of what is left.

        Infinite where seconds play no part, so that a check comes to the same however fast the machine is.
        """
        left = self.seconds_left()
        return left if isinf(left) else max(min(most, left / 3), 0.0)

    def limits(self, share: float = 1.0) -> Limits:
        """What a session that starts now may use, given a share of the time that is left."""
        return Limits(seconds=min(max(self.seconds_left() * share, 0.0), _MOST_SECONDS), memory_mb=self.memory_mb)

    def limits_of_required(self) -> Limits:
        """What a session may use that must run, however late it is."""
        limits = self.limits()
        return replace(limits, seconds=max(limits.seconds, _LEAST_SECONDS))


@dataclass
class Subject:
    """A model that predicts the holdout, and what is known of it.

    Attributes
    ----------
    source : Source
    holdout : Holdout
    served : ServedModel
    models : mapping
        ``judged`` and ``trivial``, and ``plain`` where it could be fitted.
    plain_failure : str or None
        Why it could not.
    predicted : Predictions
        By the judged model for the holdout.
    loaded : Phase
        What the process that predicted it took to load the model.
    """

    source: Source
    holdout: Holdout
    served: ServedModel
    models: Mapping[str, Scored]
    plain_failure: str | None
    predicted: Predictions
    loaded: Phase

    @property
    def task(self) -> Task:
        return self.source.task

    @property
    def judged(self) -> Scored:
        return self.models[JUDGED]

    @cached_property
    def resampled(self) -> dict[str, np.ndarray]:
        """Scores of each model on the same resamples of the holdout, shape (resamples,)."""
        scores = resampled_scores(self.holdout, list(self.models.values()))
        return dict(zip(self.models, scores.T, strict=True))

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """Of the score of the judged model."""
        return score_interval(self.resampled[JUDGED])

    @property
    def tells_noise(self) -> bool:
        """Whether there are the rows, or the groups, to tell a difference from noise."""
        return len(self.resampled[JUDGED]) > 0

    @property
    def half_width(self) -> float:
        """Half of the width of the interval: the unit in which scores are told apart."""
        return (self.interval[1] - self.interval[0]) / 2 if self.interval else 0.0

    @cached_property
    def sample(self) -> np.ndarray:
        """Positions of some rows of the holdout."""
        return sample_rows(self.task, self.holdout.y, _SAMPLED_ROWS)

    @cached_property
    def sample_features(self) -> pd.DataFrame:
        return self.holdout.features.iloc[self.sample].reset_index(drop=True)

    @cached_property
    def sample_predictions(self) -> Predictions:
        """What the judged model predicts for the sample as it is."""
        return self.served.predict(self.sample_features)

    def sample_score(self, predictions: Predictions, rows: np.ndarray | slice = slice(None)) -> float | None:
        """The metric of predictions for the sample, or for ``rows`` of it; None where it is not defined."""
        try:
            return self.holdout.score(predictions.values, predictions.labels, self.sample[rows])
        except InvalidScore:
            return None

    @cached_property
    def single_calls(self) -> tuple[np.ndarray, list[Predictions]]:
        """Positions within the sample, and predictions for each in a call of its own; some rows, over and over.

        The first `SINGLE_ROWS` are of rows that differ, and as many as that where seconds play no part.
        """
        allowed = self.source.allowance(_SINGLE_SECONDS)
        deadline = time.monotonic() + min(allowed, _SINGLE_SECONDS)  # more calls only measure the latency better
        rows = np.arange(_SINGLE_CALLS) % min(SINGLE_ROWS, len(self.sample))
        fewest = SINGLE_ROWS if isinf(allowed) else _FEWEST_CALLS
        found: list[Predictions] = []
        for row in rows:
            if len(found) >= fewest and time.monotonic() > deadline:
                break
            found.append(self.served.predict(self.sample_features.iloc[[row]]))
        return rows[: len(found)], found

    def refit(
        self, rows: np.ndarray, target: np.ndarray | None = None, *, share: float = 1.0
    ) -> tuple[Predictions, float]:
        """Fit the judged program anew, under the seed of the task, and predict the holdout.

        Parameters
        ----------
        rows : array of int
            The training rows to fit on.
        target : array, optional
            In place of their target.
        share : float
            Of the time that is left, which this may take.

        Returns
        -------
        Predictions
            For the holdout.
        float
            Seconds that the fit took.

        Raises
        ------
        CandidateFailure
        """
        source, limits = self.source, self.source.limits(share)
        needed = source.fit_seconds * len(rows) / source.rows
        if limits.seconds < needed * SURELY:
            raise CandidateFailure("timeout", f"{limits.seconds:.1f} s were left for a fit of some {needed:.1f} s")
        self.served.close()  # it holds a core, perhaps the only one
        table = read_arrow(source.train_dir / "target.arrow").iloc[rows].reset_index(drop=True)
        if target is not None:
            names = [name for name in table if str(name).startswith("target")]
            table[names] = target.reshape(len(rows), -1)
        features, targets = source.scratch / "refit-features.arrow", source.scratch / "refit-target.arrow"
        write_arrow(source.train_features, features, rows=rows)
        write_arrow(table, targets)

        def work() -> tuple[Predictions, float]:
            with source.workers.session(
                source.program, seed=self.task.seed, threads=source.threads, limits=limits
            ) as session:
                phase = session.fit(features, targets)
                return session.predict(self.holdout.features_file), phase.seconds

        return insisting(work)
