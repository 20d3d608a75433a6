"""The harness: metrics, workers, the evaluation store.

Names are imported when they are first used: the worker server must not load what candidates have no use for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlestar.evaluation.harness import Harness
    from mlestar.evaluation.metrics import InvalidScore, Metric, get_metric
    from mlestar.evaluation.results import Evaluation, FoldScore
    from mlestar.evaluation.server import Server, start_server
    from mlestar.evaluation.session import (
        CandidateFailure,
        Interrupted,
        Limits,
        Phase,
        Predictions,
        Session,
        Workers,
        WorkersLost,
        connect,
        insisting,
    )
    from mlestar.evaluation.store import EvaluationStore, Record, evaluation_key

__all__ = [
    "CandidateFailure",
    "Evaluation",
    "EvaluationStore",
    "FoldScore",
    "Harness",
    "Interrupted",
    "InvalidScore",
    "Limits",
    "Metric",
    "Phase",
    "Predictions",
    "Record",
    "Server",
    "Session",
    "Workers",
    "WorkersLost",
    "connect",
    "evaluation_key",
    "get_metric",
    "insisting",
    "start_server",
]

_MODULES = {
    "harness": ("Harness",),
    "results": ("Evaluation", "FoldScore"),
    "metrics": ("InvalidScore", "Metric", "get_metric"),
    "server": ("Server", "start_server"),
    "session": (
        *("CandidateFailure", "Interrupted", "Limits", "Phase", "Predictions"),
        *("Session", "Workers", "WorkersLost", "connect", "insisting"),
    ),
    "store": ("EvaluationStore", "Record", "evaluation_key"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
