"""Rows of the holdout that are among the training rows, too."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mlestar.validation.outcome import Outcome, number
from mlestar.validation.subject import Subject

__all__ = ["duplicates"]

_MANY = 0.05


def duplicates(subject: Subject) -> Outcome:
    """Holdout rows whose features all occur in a training row, and what the score is without them."""
    holdout = subject.holdout
    known = pd.util.hash_pandas_object(subject.source.train_features, index=False).to_numpy()
    seen = np.isin(pd.util.hash_pandas_object(holdout.features, index=False).to_numpy(), known)
    count, share = int(seen.sum()), float(seen.mean())
    evidence: dict[str, float | None] = {"rows": count, "share": share}
    if not count:
        return Outcome("pass", "no row of the holdout is among the training rows", evidence)
    rest = holdout.score_rows(subject.judged, np.flatnonzero(~seen)) if count < len(seen) else None
    evidence |= {"score": subject.judged.score, "score_without": rest}
    many = f"{count:,} holdout rows ({share:.1%}) have the features of a training row"
    if rest is None:
        return Outcome("warn", f"{many}; there is no score without them", evidence)
    scores = f"{number(rest)} without them, {number(subject.judged.score)} with them"
    if subject.tells_noise and holdout.gain(subject.judged.score, rest) > subject.half_width:
        return Outcome("fail", f"{many}: {scores}; the score owes more to them than chance explains", evidence)
    return Outcome("warn" if share >= _MANY else "pass", f"{many}: {scores}", evidence)
