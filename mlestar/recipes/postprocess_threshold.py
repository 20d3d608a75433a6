from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score, balanced_accuracy_score, cohen_kappa_score, f1_score, matthews_corrcoef

from mlestar.recipes.recipe import Recipe
from mlestar.recipes.space import Choice


def label_score(metric, y, labels):
    """How good predicted class numbers are, by the metric of the task."""
    if metric == "f1":
        return f1_score(y, labels, zero_division=0)
    if metric == "f1_macro":
        return f1_score(y, labels, average="macro", zero_division=0)
    if metric == "balanced_accuracy":
        return balanced_accuracy_score(y, labels)
    if metric == "mcc":
        return matthews_corrcoef(y, labels)
    if metric == "quadratic_kappa":
        return cohen_kappa_score(y, labels, weights="quadratic")
    return accuracy_score(y, labels)


class WeightedClasses(BaseEstimator):
    """Predicts the class whose probability times weight is largest; for two classes, that is a threshold.

    The weights start from 1 and are improved one class at a time on out-of-fold predictions, `steps` values each.
    """

    needs_out_of_fold = True

    def __init__(self, metric, steps, rounds):
        self.metric = metric
        self.steps = steps
        self.rounds = rounds

    def fit(self, predictions, y):
        classes = predictions.shape[1]
        self.weights_ = np.ones(classes)
        best = label_score(self.metric, y, self.predict(predictions))
        for _ in range(self.rounds if classes > 2 else 1):
            before = best
            for number in range(1, classes) if classes == 2 else range(classes):
                scores = {}
                for weight in self._candidates(predictions, number):
                    weights = self.weights_.copy()
                    weights[number] = weight
                    scores[weight] = label_score(self.metric, y, (predictions * weights).argmax(axis=1))
                weight = self._centre_of_best(scores)
                if scores[weight] > best:
                    self.weights_[number], best = weight, scores[weight]
            if best <= before:
                break
        return self

    def predict(self, predictions):
        return (predictions * self.weights_).argmax(axis=1)

    def _candidates(self, predictions, number):
        """Weights of one class at which part of the rows change over to it."""
        others = np.delete(predictions * self.weights_, number, axis=1).max(axis=1)
        ratios = others / np.clip(predictions[:, number], 1e-9, None)
        low, high = np.quantile(np.log(np.clip(ratios, 1e-4, 1e4)), [0.002, 0.998])
        return np.exp(np.linspace(low, high, self.steps))

    @staticmethod
    def _centre_of_best(scores):
        """The middle of the weights that score best when neighbours are averaged: single peaks are chance."""
        weights, values = np.array(list(scores)), np.array(list(scores.values()))
        width = min(5, len(values))
        smooth = np.convolve(np.pad(values, width // 2, mode="edge"), np.ones(width) / width, mode="valid")[
            : len(values)
        ]
        best = np.flatnonzero(smooth >= smooth.max() - 1e-12)
        return weights[best[len(best) // 2]]


def postprocess(ctx, *, steps=101, rounds=3):
    """Choose labels for the metric of the task, rather than always the most probable class."""
    return WeightedClasses(ctx.metric, steps, rounds)


RECIPE = Recipe(
    kind="postprocess",
    name="threshold",
    space={"steps": Choice(51, 101)},
    suits=lambda task: (
        float(task.metric in ("f1", "f1_macro", "balanced_accuracy", "mcc", "quadratic_kappa", "accuracy"))
        * (2.0 if task.metric != "accuracy" else 0.5)
    ),
    cost=lambda task: 0.05 + 1e-5 * task.rows * max(1, len(task.classes)),
)
