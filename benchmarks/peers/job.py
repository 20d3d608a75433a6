"""What a peer is asked to do: one task of the benchmark, told in a file; and how it answers."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["Job", "read_job"]


@dataclass(frozen=True)
class Job:
    """One task.

    Attributes
    ----------
    kind : {"regression", "binary", "multiclass"}
    metric : str
        As mlestar names it.
    seconds : float
        From the start of the process to its end.
    started : float
        When it started, by ``time.time``.
    cores : int
    group, time : str or None
        Columns of rows that belong together, and of their order in time.
    """

    data: Path
    out: Path
    target: str
    kind: str
    metric: str
    seconds: float
    started: float
    seed: int
    cores: int
    drop: list[str]
    group: str | None = None
    time: str | None = None

    @property
    def left(self) -> float:
        """Seconds."""
        return self.started + self.seconds - time.time()

    @property
    def scale(self) -> tuple[Callable, Callable]:
        """There and back: a peer that lacks RMSLE minimises the same as RMSE of the logarithm of the target."""
        if self.metric == "rmsle":
            return np.log1p, lambda values: np.expm1(np.maximum(values, 0.0))
        return np.asarray, np.asarray

    def tables(self) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
        """Features and target of the training rows, and features of the rows to predict.

        Texts that are dates throughout are dates, which not every peer looks for itself. The column of groups is among
        the features, whose values none of the rows to predict has: what splits by it drops it then.
        """
        train, test = (pd.read_csv(self.data / f"{name}.csv").drop(columns=self.drop) for name in ("train", "test"))
        target = train.pop(self.target)
        for name in train.select_dtypes(exclude="number"):
            dates = pd.to_datetime(train[name], format="ISO8601", errors="coerce")
            if len(dates.dropna()) == len(train[name].dropna()):
                train[name] = dates
                test[name] = pd.to_datetime(test[name], format="ISO8601", errors="coerce")
        return train, target, test

    def answer(
        self, predictions: np.ndarray, classes: list[str] | None = None, probabilities: np.ndarray | None = None
    ) -> None:
        """Write predictions.csv."""
        found = pd.DataFrame({"prediction": predictions})
        if classes is not None and probabilities is not None:
            found[[f"probability_{label}" for label in classes]] = probabilities
        found.to_csv(self.out / "predictions.csv", index=False)


def read_job() -> Job:
    """The job that the command line names."""
    document = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    return Job(**document | {"data": Path(document["data"]), "out": Path(document["out"])})
