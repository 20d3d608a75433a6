"""What the model costs when it serves: time, memory, size."""

from __future__ import annotations

import numpy as np

from mlestar.validation.outcome import Outcome, number
from mlestar.validation.subject import Subject

__all__ = ["latency", "model_size"]


def latency(subject: Subject) -> Outcome:
    """Milliseconds that a warm process takes for one row, and rows per second in a batch."""
    _, calls = subject.single_calls
    median, p95 = np.quantile([1000 * each.seconds for each in calls], [0.5, 0.95])
    rows_per_second = len(subject.holdout) / subject.predicted.seconds
    limit = subject.source.scope.constraints.predict_ms_p95
    evidence = {
        "calls": len(calls),
        "predict_ms_p50": round(float(median), 3),
        "predict_ms_p95": round(float(p95), 3),
        "limit_ms_p95": limit,
        "rows_per_second": round(rows_per_second, 1),
    }
    one_row = f"one row takes {number(median)} ms, 95 % take at most {number(p95)} ms"
    summary = f"{one_row}; {rows_per_second:,.0f} rows per second in a batch"
    return _held(summary, float(p95), limit, "ms", evidence)


def model_size(subject: Subject) -> Outcome:
    """Megabytes of the model's file, and of the memory of a clean process that loads it and predicts the holdout."""
    size = subject.source.model.stat().st_size / 1e6
    limit = subject.source.scope.constraints.model_mb
    memory = {
        "load_peak_mb": round(subject.loaded.peak_mb, 1),
        "predict_peak_mb": round(subject.predicted.peak_mb, 1),
    }
    evidence = {
        "model_mb": round(size, 3),
        "limit_mb": limit,
        "load_seconds": round(subject.loaded.seconds, 3),
        **memory,
    }
    summary = f"the model has {number(size)} MB and needs {max(memory.values()):,.0f} MB of memory beside its libraries"
    return _held(summary, size, limit, "MB", evidence)


def _held(
    summary: str, value: float, limit: float | None, unit: str, evidence: dict[str, float | int | None]
) -> Outcome:
    if limit is None:
        return Outcome("pass", f"{summary}; the spec sets no limit", evidence)
    if value <= limit:
        return Outcome("pass", f"{summary}; the spec allows {number(limit)} {unit}", evidence)
    return Outcome("fail", f"{summary}; the spec allows only {number(limit)} {unit}", evidence)
