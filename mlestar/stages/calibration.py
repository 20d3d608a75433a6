"""Calibration: probabilities that are too sure, or not sure enough, ship with a temperature."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlestar.evaluation import Harness
from mlestar.recipes import find_recipe
from mlestar.stages.choices import Choice
from mlestar.stages.weights import LEAST_CHANCE, arithmetic, geometric

__all__ = ["calibrated"]

_MOST = 4.0  # times the temperature may be above or below 1
_ACCEPTANCE = 1.0  # standard errors of the paired difference that the gain must exceed


def calibrated(harness: Harness, choice: Choice, stack: np.ndarray) -> Choice:
    """The choice with a temperature where the metric judges probabilities and that gains more than noise.

    The temperature is chosen on out-of-fold predictions; whether it gains, by folds that did not choose it. Log odds
    over a temperature are the weights of a geometric mean over it; an arithmetic mean is left as it is.
    Source: Guo et al., On Calibration of Modern Neural Networks (2017).

    Parameters
    ----------
    stack : ndarray (rows, members, classes)
        Out-of-fold predictions of the members for the training rows, NaN where there are none.
    """
    combine = choice.solution.combine
    if harness.metric.name != "log_loss" or (combine and combine.name != "geometric"):
        return choice
    mean = geometric if combine else arithmetic  # a single model's probabilities as they are
    weights = np.array([weight for _, weight in choice.members])
    known = np.isfinite(stack).all(axis=(1, 2))
    gains = []
    for fold in harness.folds:
        if fold.repeat == 0:
            others = known.copy()
            others[fold.valid] = False
            temperature = _temperature(harness, stack[others], others, weights)
            now = harness.score(fold.valid, geometric(stack[fold.valid], weights / temperature))
            gains.append(harness.gain(now, harness.score(fold.valid, mean(stack[fold.valid], weights))))
    if float(np.mean(gains)) <= _ACCEPTANCE * harness.standard_error(gains):
        return choice
    temperature = float(f"{_temperature(harness, stack[known], known, weights):.3g}")
    scaled = find_recipe("combine", "geometric").block({"weights": tuple((weights / temperature).round(4).tolist())})
    changes = [harness.gain(gain, 0.0) for gain in gains]  # with the sign of a score
    return replace(
        choice,
        method=f"{choice.method}, temperature {temperature:g}",
        solution=replace(choice.solution, combine=scaled),
        score=choice.score + float(np.mean(changes)),
        fold_scores=tuple(np.add(choice.fold_scores, np.resize(changes, len(choice.fold_scores))).tolist()),
    )


def _temperature(harness: Harness, stack: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> float:
    """The one under which the labels of these rows are most likely."""
    from scipy.optimize import minimize_scalar

    labels = harness.y[rows].astype(int)

    def loss(logarithm: float) -> float:
        chances = geometric(stack, weights / np.exp(logarithm))[np.arange(len(labels)), labels]
        return -float(np.mean(np.log(np.clip(chances, LEAST_CHANCE, 1.0))))

    bound = np.log(_MOST)
    return float(np.exp(minimize_scalar(loss, bounds=(-bound, bound), method="bounded").x))
