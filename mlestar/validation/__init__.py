"""The checks of the verdict, and the baselines that a model is judged against."""

from __future__ import annotations

from mlestar.validation.baselines import trivial_predictions
from mlestar.validation.checks import check_ids, require_known
from mlestar.validation.openings import record_opening
from mlestar.validation.subject import Source
from mlestar.validation.verdict import judge

__all__ = ["Source", "check_ids", "judge", "record_opening", "require_known", "trivial_predictions"]
