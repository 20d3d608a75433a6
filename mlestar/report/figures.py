"""The figures of a verdict as plain data, for the metrics that an orchestrator shows beside a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from mlestar.report.charts import thin
from mlestar.report.numbers import is_number

__all__ = ["confusion", "metrics_of", "roc_points"]

MOST_ROC_POINTS = 200


def metrics_of(verdict: Mapping[str, Any]) -> dict[str, float]:
    """The figures that one would compare across runs, by name: scores, baselines and how many checks ended how."""
    interval = verdict.get("interval") or (None, None)
    metric = verdict["metric"]
    figures = {
        "blessed": float(verdict["verdict"] == "blessed"),
        metric: verdict["score"],
        f"{metric}_low": interval[0],
        f"{metric}_high": interval[1],
        f"{metric}_cross_validation": verdict.get("cross_validation_score"),
        "holdout_rows": verdict["rows"],
    }
    for name, baseline in verdict["baselines"].items():
        figures[f"{metric}_{name}_baseline"] = baseline["score"]
    ended = Counter(check["status"] for check in verdict["checks"])
    for status in ("pass", "warn", "fail", "not_run"):
        figures[f"checks_{status}"] = ended[status]
    return {name: float(value) for name, value in figures.items() if is_number(value)}


def roc_points(verdict: Mapping[str, Any]) -> tuple[list[float], list[float], list[float]]:
    """False positive rates, true positive rates and thresholds, at most 200 of each; empty where there is no curve.

    The threshold above every score, which scikit-learn writes as infinity, is 1 here.
    """
    roc = verdict.get("curves", {}).get("roc")
    if not roc or "thresholds" not in roc:
        return [], [], []
    points = thin(list(zip(roc["false_positive_rate"], roc["true_positive_rate"], roc["thresholds"], strict=True)),
                  MOST_ROC_POINTS)  # fmt: skip
    false_positive, true_positive, thresholds = ([point[index] for point in points] for index in range(3))
    return false_positive, true_positive, [value if is_number(value) else 1.0 for value in thresholds]


def confusion(verdict: Mapping[str, Any]) -> tuple[list[str], list[list[int]]]:
    """Class names and the matrix of counts (rows true, columns predicted); empty for regression."""
    found = verdict.get("curves", {}).get("confusion")
    if not found:
        return [], []
    return [str(name) for name in found["classes"]], [[int(count) for count in row] for row in found["matrix"]]
