"""Labels: a threshold that was found on out-of-fold predictions ships as a number, as the weights of an ensemble do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mlestar.evaluation import CandidateFailure, Harness
from mlestar.recipes import find_recipe
from mlestar.solution import Solution

__all__ = ["bare", "with_fixed_labels"]

_LARGEST_ODDS = 9.2  # logarithm of the largest ratio of two classes' weights that is looked for
_STEPS = 2001
_AGREEMENT = 0.99  # of the labels of training rows, from which fixed weights are what the block does


def bare(solution: Solution) -> Solution:
    """The solution without what would be fitted on out-of-fold predictions after its members: what it costs to ship."""
    if solution.postprocess is not None and solution.postprocess.needs_out_of_fold:
        return replace(solution, postprocess=None)
    return solution


def with_fixed_labels(
    harness: Harness, solution: Solution, stack: np.ndarray, *, seconds: Callable[[], float]
) -> Solution | None:
    """The solution with the labels that its postprocess chooses, fitted on out-of-fold predictions, by fixed weights.

    Its program need not cross-fit the members then, which takes as long as several fits. Weights are found by asking
    for the labels of mixtures of two classes.

    Parameters
    ----------
    stack : ndarray (rows, members, outputs)
        Out-of-fold predictions of the members for the training rows, NaN where there are none.
    seconds : callable
        How long it may take.

    Returns
    -------
    Solution or None
        None where weights do not say what the block does, or it fails. Without a postprocess where the most probable
        class is what it chooses.
    """
    odds = np.linspace(-_LARGEST_ODDS, _LARGEST_ODDS, _STEPS)
    known = stack[np.isfinite(stack).all(axis=(1, 2))]
    mixtures = [_mixture(odds, number, stack.shape[2]) for number in range(1, stack.shape[2])]
    asked = np.concatenate([*mixtures, known.mean(axis=1)])
    try:
        labels = harness.labels(solution, stack, np.repeat(asked[:, None], stack.shape[1], axis=1), seconds=seconds)
    except CandidateFailure:
        return None
    weights = np.ones(stack.shape[2])
    for number in range(1, len(weights)):
        chosen = labels[(number - 1) * _STEPS : number * _STEPS] == number
        switch = odds[chosen.argmax()] - (odds[1] - odds[0]) / 2 if chosen.any() else _LARGEST_ODDS
        weights[number] = 1.0 if abs(switch) < odds[1] - odds[0] else float(f"{np.exp(-switch):.3g}")
    if np.mean((asked * weights).argmax(axis=1)[-len(known) :] == labels[-len(known) :]) < _AGREEMENT:
        return None
    if (weights == 1.0).all():
        return replace(solution, postprocess=None)
    block = find_recipe("postprocess", "class_weights").block({"weights": tuple(map(float, weights))})
    return replace(solution, postprocess=block)


def _mixture(odds: np.ndarray, number: int, classes: int) -> np.ndarray:
    """Probabilities (odds, classes) of the first class and another one, with these logarithms of their odds."""
    found = np.zeros((len(odds), classes))
    found[:, number] = 1 / (1 + np.exp(-odds))
    found[:, 0] = 1 - found[:, number]
    return found
