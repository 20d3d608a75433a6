"""What the components show in an orchestrator: the report, and the figures of the verdict as typed metrics."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kfp import dsl

__all__ = ["publish_metrics", "publish_report", "publish_score"]


def publish_report(directory: str, report: dsl.HTML) -> None:
    """Copy the report that a stage wrote into ``directory``."""
    shutil.copyfile(Path(directory) / "report.html", report.path)


def publish_score(directory: str, path: str) -> None:
    """Write the score of the verdict in ``directory`` as a parameter, which has to be a number.

    Where the model could not predict the holdout it has none, and the worst number there is stands in its place: no
    condition on the score takes such a model for a good one.
    """
    from mlestar.files import read_json

    verdict = read_json(Path(directory) / "verdict.json")
    worst = -sys.float_info.max if verdict["greater_is_better"] else sys.float_info.max
    score = verdict["score"]
    Path(path).write_text(json.dumps(worst if score is None else score), encoding="utf-8")


def publish_metrics(directory: str, metrics: dsl.Metrics, classification: dsl.ClassificationMetrics) -> None:
    """Log the figures of the verdict in ``directory``; the ROC curve and the confusion matrix where the task has them.

    The figures are also written to the artifacts' files, because kfp.local reuses a task only when all of these exist.
    """
    from mlestar.files import read_json
    from mlestar.report.figures import confusion, metrics_of, roc_points

    verdict = read_json(Path(directory) / "verdict.json")
    for name, value in metrics_of(verdict).items():
        metrics.log_metric(name, value)
    if (points := roc_points(verdict))[0]:
        classification.log_roc_curve(*points)
    if (classes_and_counts := confusion(verdict))[0]:
        classification.log_confusion_matrix(*classes_and_counts)
    for artifact in (metrics, classification):
        Path(artifact.path).write_text(json.dumps(artifact.metadata) + "\n", encoding="utf-8")
