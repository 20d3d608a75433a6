"""The local engine: runs the compiled pipeline with kfp's local runner, and delivers what it made."""

from __future__ import annotations

from mlestar.engines.local.engine import EngineFailure, Outcome, run
from mlestar.engines.local.folder import RunFolder

__all__ = ["EngineFailure", "Outcome", "RunFolder", "run"]
