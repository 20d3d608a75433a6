"""Scores on test rows: of predictions that are written, and of the same prediction for every row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from systems import DATA

from mlestar.data import Task
from mlestar.evaluation.metrics import get_metric
from mlestar.validation import trivial_predictions

__all__ = ["score_of", "trivial_score"]


def score_of(name: str, task: dict, path: Path) -> float:
    """Score a predictions file against the held-back labels."""
    found = pd.read_csv(path)
    if task["kind"] == "regression":
        values = found["prediction"].to_numpy(float)
        return get_metric(task["metric"], task["kind"]).score(_target(name, task, "test_labels.csv"), values)
    classes = labels_of(name, task)
    probabilities = found[[f"probability_{label}" for label in classes]].to_numpy()
    labels = _numbers(found["prediction"].astype(str), classes)
    truth = _numbers(_target(name, task, "test_labels.csv"), classes)
    return get_metric(task["metric"], task["kind"]).score(truth, probabilities, labels)


def trivial_score(name: str, task: dict) -> float:
    """The score of the same prediction for every test row: the one that suits the training rows best."""
    known, truth = (_target(name, task, file) for file in ("train.csv", "test_labels.csv"))
    classes = labels_of(name, task) if task["kind"] != "regression" else ()
    if classes:
        known, truth = (_numbers(each, classes) for each in (known, truth))
    described = Task(
        name=name,
        type=task["kind"],
        targets=(task["target"],),
        metric=task["metric"],
        classes=classes,
        columns=(),
        rows=len(known),
        splitter="kfold",
        folds=5,
    )
    predictions, labels = trivial_predictions(described, known, len(truth))
    return get_metric(task["metric"], task["kind"]).score(truth, predictions, labels)


def labels_of(name: str, task: dict) -> tuple[str, ...]:
    """The classes in alphabetical order; of two, the second is the positive one, for every system."""
    return tuple(np.unique(_target(name, task, "train.csv")))


def _numbers(labels: Iterable[str], classes: Sequence[str]) -> np.ndarray:
    numbers = {label: number for number, label in enumerate(classes)}
    return np.array([numbers[each] for each in labels])


def _target(name: str, task: dict, file: str) -> np.ndarray:
    values = pd.read_csv(DATA / name / file, usecols=[task["target"]])[task["target"]]
    return values.to_numpy(float) if task["kind"] == "regression" else values.astype(str).to_numpy()
