from __future__ import annotations

from functools import partial

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score, balanced_accuracy_score, cohen_kappa_score, f1_score, matthews_corrcoef

from mlestar.recipes.recipe import Recipe
from mlestar.recipes.space import Choice


def counted(score, y, labels, classes):
    """A score of predicted labels, by how many rows each pair of true and predicted ones has: many rows make few."""
    rows = np.bincount(y * classes + labels, minlength=classes**2)
    pairs = rows.nonzero()[0]
    return score(pairs // classes, pairs % classes, sample_weight=rows[pairs])


class Threshold(BaseEstimator):
    """Predicts the second of two classes where its probability is above a threshold.

    Of `steps` thresholds, evenly spaced as log odds and scored on out-of-fold predictions, it is the one nearest to 0.5
    whose score chance could not tell from the best.
    """

    needs_out_of_fold = True

    def __init__(self, score, steps):
        self.score = score
        self.steps = steps

    def fit(self, predictions, y):
        chance = np.clip(predictions[:, 1], 1e-4, 1 - 1e-4)
        low, high = np.quantile(np.log(chance / (1 - chance)), [0.002, 0.998])
        log_odds = np.linspace(low, high, self.steps)
        thresholds = 1 / (1 + np.exp(-log_odds))
        scores = np.array([self._score(predictions, y, each) for each in thresholds])
        smooth = np.convolve(np.pad(scores, 2, mode="edge"), np.ones(5) / 5, mode="valid")
        error = np.sqrt(np.clip(smooth.max() * (1 - smooth.max()), 0, None) / np.unique(y, return_counts=True)[1].min())
        chosen = np.where(smooth >= smooth.max() - error / 4, np.abs(log_odds), np.inf).argmin()
        self.threshold_ = 0.5
        if scores[chosen] > self._score(predictions, y, 0.5):
            self.threshold_ = float(thresholds[chosen])
        return self

    def predict(self, predictions):
        return (predictions[:, 1] > self.threshold_).astype(int)

    def _score(self, predictions, y, threshold):
        return counted(self.score, y, (predictions[:, 1] > threshold).astype(int), 2)


class WeightedClasses(BaseEstimator):
    """Predicts the class whose probability times weight is largest.

    The weights start from 1 and change one class at a time, `steps` values each (fewer of many classes), on out-of-fold
    predictions: as little as gives a score that chance could not tell from the best.
    """

    MOST_SCORES = 3000
    FEWEST_STEPS = 11
    needs_out_of_fold = True

    def __init__(self, score, steps, rounds):
        self.score = score
        self.steps = steps
        self.rounds = rounds

    def fit(self, predictions, y):
        classes, rarest = predictions.shape[1], np.unique(y, return_counts=True)[1].min()
        steps = max(min(self.steps, self.MOST_SCORES // (self.rounds * classes)), self.FEWEST_STEPS)
        self.weights_ = np.ones(classes)
        best = counted(self.score, y, predictions.argmax(axis=1), classes)
        for _ in range(self.rounds):
            for number in range(classes):
                chances, others = predictions[:, number], predictions * self.weights_
                others[:, number] = -1.0
                rivals, heights = others.argmax(axis=1), others.max(axis=1)
                weights = self._candidates(heights / np.clip(chances, 1e-9, None), steps)
                ahead = np.where(number < rivals, np.nextafter(heights, -1), heights)  # of equals the first
                labels = (np.where(chances * each > ahead, number, rivals) for each in weights)
                scores = np.array([counted(self.score, y, each, classes) for each in labels])
                smooth = np.convolve(np.pad(scores, 2, mode="edge"), np.ones(5) / 5, mode="valid")
                error = np.sqrt(np.clip(smooth.max() * (1 - smooth.max()), 0, None) / rarest)
                change = np.abs(np.log(weights / self.weights_[number]))
                chosen = np.where(smooth >= smooth.max() - error / 4, change, np.inf).argmin()
                if scores[chosen] > best:
                    self.weights_[number], best = weights[chosen], scores[chosen]
        return self

    def predict(self, predictions):
        return (predictions * self.weights_).argmax(axis=1)

    @staticmethod
    def _candidates(ratios, steps):
        """Weights of a class, evenly spaced as logarithms: from hardly any row given to it to nearly all."""
        low, high = np.quantile(np.log(np.clip(ratios, 1e-4, 1e4)), [0.002, 0.998])
        return np.exp(np.linspace(low, high, steps))


def postprocess(ctx, *, steps=61, rounds=2):
    """Choose labels for the metric of the task, rather than always the most probable class."""
    if ctx.metric == "f1":
        score = partial(f1_score, zero_division=0)
    elif ctx.metric == "f1_macro":
        score = partial(f1_score, average="macro", zero_division=0)
    elif ctx.metric == "balanced_accuracy":
        score = balanced_accuracy_score
    elif ctx.metric == "mcc":
        score = matthews_corrcoef
    elif ctx.metric == "quadratic_kappa":
        score = partial(cohen_kappa_score, weights="quadratic")
    else:
        score = accuracy_score
    if len(ctx.classes) == 2:
        return Threshold(score, steps)
    return WeightedClasses(score, steps, rounds)


# How much there is to gain: the most probable class is best for accuracy, if the probabilities are true.
GAINS = {"accuracy": 0.5, "f1": 2.0, "f1_macro": 2.0, "balanced_accuracy": 2.0, "mcc": 2.0, "quadratic_kappa": 2.0}
RECIPE = Recipe(
    kind="postprocess",
    name="threshold",
    space={"steps": Choice(31, 61, 121)},
    suits=lambda task: GAINS.get(task.metric, 0.0),
    cost=lambda task: 0.05 + min(120 * len(task.classes), 3000) * (0.0015 + 1e-8 * task.rows),
)
