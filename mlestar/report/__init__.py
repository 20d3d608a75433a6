"""The report on a run: one HTML file, and the figures that an orchestrator shows beside it."""

from __future__ import annotations

from mlestar.report.figures import confusion, metrics_of, roc_points
from mlestar.report.page import render
from mlestar.report.run import Run

__all__ = ["Run", "confusion", "metrics_of", "render", "roc_points"]
