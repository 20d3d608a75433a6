"""Calibration: probabilities that are too sure, or not sure enough, ship with a temperature."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlestar.evaluation import Harness
from mlestar.recipes import find_recipe
from mlestar.stages.choices import Choice

__all__ = ["calibrated"]

_MOST = 4.0  # times the temperature may be above or below 1
_LEAST_CHANCE = float(np.finfo(float).eps)  # of a class, as scikit-learn's log_loss clips it
_ACCEPTANCE = 1.0  # standard errors of the paired difference that the gain must exceed


def calibrated(harness: Harness, choice: Choice, stack: np.ndarray) -> Choice:
    """The choice with a temperature where the metric judges probabilities and that gains more than noise.

    The temperature is chosen on out-of-fold predictions; whether it gains, by folds that did not choose it.

    Parameters
    ----------
    stack : ndarray (rows, members, classes)
        Out-of-fold predictions of the members for the training rows, NaN where there are none.
    """
    if harness.metric.name != "log_loss" or choice.solution.postprocess is not None:
        return choice
    weights = tuple(weight for _, weight in choice.members)
    chances = np.tensordot(stack, np.asarray(weights), axes=(1, 0))
    known = np.asarray(np.isfinite(chances).all(axis=1))
    gains = []
    for fold in harness.folds:
        if fold.repeat == 0:
            others = known.copy()
            others[fold.valid] = False
            scaled = _scaled(chances[fold.valid], _temperature(harness, chances, others))
            now, before = (harness.score(fold.valid, each) for each in (scaled, chances[fold.valid]))
            gains.append(harness.gain(now, before))
    if float(np.mean(gains)) <= _ACCEPTANCE * harness.standard_error(gains):
        return choice
    temperature = float(f"{_temperature(harness, chances, known):.3g}")
    combine = find_recipe("combine", "temperature").block({"weights": weights, "temperature": temperature})
    sign = 1.0 if harness.metric.greater_is_better else -1.0
    return replace(
        choice,
        method=f"{choice.method}, temperature {temperature:g}",
        solution=replace(choice.solution, combine=combine),
        score=choice.score + sign * float(np.mean(gains)),
        fold_scores=tuple(np.add(choice.fold_scores, sign * np.resize(gains, len(choice.fold_scores))).tolist()),
    )


def _temperature(harness: Harness, chances: np.ndarray, rows: np.ndarray) -> float:
    """The one under which the labels of these rows are most likely."""
    from scipy.optimize import minimize_scalar

    labels = harness.y[rows].astype(int)

    def loss(logarithm: float) -> float:
        scaled = _scaled(chances[rows], float(np.exp(logarithm)))
        return -float(np.mean(np.log(np.clip(scaled[np.arange(len(labels)), labels], _LEAST_CHANCE, 1.0))))

    bound = np.log(_MOST)
    return float(np.exp(minimize_scalar(loss, bounds=(-bound, bound), method="bounded").x))


def _scaled(chances: np.ndarray, temperature: float) -> np.ndarray:
    """As the block does it, see ``combine_temperature``."""
    scaled = (chances / chances.max(axis=1, keepdims=True)) ** (1 / temperature)
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True))
