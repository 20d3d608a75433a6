"""Weights of an ensemble, from the out-of-fold predictions of its candidates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from mlestar.evaluation import Harness, InvalidScore
from mlestar.solution import Solution

__all__ = [
    "LEAST_CHANCE",
    "MEANS",
    "Weigh",
    "arithmetic",
    "average",
    "combined",
    "geometric",
    "greedy",
    "nested_scores",
]

Weigh: TypeAlias = Callable[[Harness, np.ndarray, np.ndarray], np.ndarray]
"""(harness, stack (rows, candidates, outputs), rows to look at) -> weights (candidates,), which sum to one."""
Mean: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]

LEAST_CHANCE = float(np.finfo(float).eps)
"""Of a class, as scikit-learn's log_loss clips it."""

_LEAST_FACTOR = 1e-6  # of a geometric mean: a class that one member excludes is improbable, and not impossible
_ROUNDS, _PATIENCE = 12, 4  # of greedy selection; and how many of them may bring nothing until it ends
_BAGS = 6  # samples of the rows, of which greedy selection chooses on each
_MOST_ROWS = 3000  # from which half is drawn for a bag; more change the weights little and cost much


def arithmetic(stack: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted mean (rows, outputs) of a stack (rows, candidates, outputs), as ``combine_weighted`` makes it."""
    return np.tensordot(stack, weights, axes=(1, 0))


def geometric(stack: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """That of log odds, as ``combine_geometric`` makes it."""
    logs = np.tensordot(np.log(np.clip(stack, _LEAST_FACTOR, 1)), weights, axes=(1, 0))
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


MEANS: dict[str, Mean] = {"weighted": arithmetic, "geometric": geometric}
"""By the name of the combine recipe that makes it."""


def combined(solution: Solution, stack: np.ndarray) -> np.ndarray:
    """The members' predictions (rows, members, outputs) as a solution combines them, by fixed weights."""
    combine = solution.combine
    if combine is None or combine.name not in MEANS:
        return stack.mean(axis=1)
    return MEANS[combine.name](stack, np.asarray(combine.parameters["weights"]))


def average(places: Sequence[int]) -> Weigh:
    """Equal weights for the candidates at these places."""

    def weigh(harness: Harness, stack: np.ndarray, rows: np.ndarray) -> np.ndarray:
        weights = np.zeros(stack.shape[1])
        weights[list(places)] = 1 / len(places)
        return weights

    return weigh


def greedy(harness: Harness, stack: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The mean of weights that are chosen on random halves of the rows: what all of them want is no accident of some.

    Source: Caruana et al., Ensemble Selection from Libraries of Models (2004), with bagging (section 2.3).
    """
    random = np.random.default_rng(harness.task.seed)
    size = max(min(len(rows), _MOST_ROWS) // 2, 1)
    bags = [np.sort(random.choice(rows, size, replace=False)) for _ in range(_BAGS)]
    return np.mean([_selected(harness, stack, bag) for bag in bags], axis=0)


def _selected(harness: Harness, stack: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Add the candidate that improves the average most, with replacement; the best of the rounds."""
    chosen = np.zeros(stack.shape[1])
    total = np.zeros((len(rows), stack.shape[2]))
    best_score, best = -np.inf, chosen
    for count in range(1, _ROUNDS + 1):
        gains = [_gain(harness, rows, (total + stack[rows, each]) / count) for each in range(stack.shape[1])]
        picked = int(np.argmax(gains))
        chosen = chosen + np.eye(stack.shape[1])[picked]
        total += stack[rows, picked]
        if gains[picked] > best_score:
            best_score, best = gains[picked], chosen
        elif chosen.sum() - best.sum() >= _PATIENCE:
            break
    return best / best.sum() if best.sum() else average(range(stack.shape[1]))(harness, stack, rows)


def nested_scores(harness: Harness, stack: np.ndarray, weigh: Weigh, means: Sequence[Mean]) -> list[tuple[float, ...]]:
    """Per mean a score per fold, with weights that were chosen on the other folds."""
    known = np.isfinite(stack).all(axis=(1, 2))
    scores = []
    for fold in harness.folds:
        if fold.repeat == 0:
            inside = np.zeros(len(known), dtype=bool)
            inside[fold.valid] = True
            weights = weigh(harness, stack, np.flatnonzero(known & ~inside))
            scores.append([harness.score(fold.valid, mean(stack[fold.valid], weights)) for mean in means])
    return list(zip(*scores, strict=True))


def _gain(harness: Harness, rows: np.ndarray, predictions: np.ndarray) -> float:
    """By the metric; by the likelihood of the classes where this judges labels, which are chosen from the average.

    Of several classes, too: to rank the rows by each of them takes as long as a fit, hundreds of times.
    """
    if harness.metric.needs == "label" or harness.metric.name == "log_loss" or harness.task.type == "multiclass":
        chances = predictions[np.arange(len(rows)), harness.y[rows].astype(int)]
        return float(np.mean(np.log(np.clip(chances, LEAST_CHANCE, 1.0))))
    try:
        return harness.gain(harness.score(rows, predictions), 0.0)
    except InvalidScore:
        return -np.inf
