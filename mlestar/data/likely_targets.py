"""Which column of a table is likely to be the one to predict."""

from __future__ import annotations

import re
from collections.abc import Collection

import pandas as pd

from mlestar.data.roles import detect_role, looks_like_identifier_name
from mlestar.data.sources import storage_of, typed

__all__ = ["likely_targets"]

_TARGET_WORDS = {"target", "label", "class", "y", "outcome", "response"}
_FEW_VALUES = 20
_CERTAIN = 100  # points, which all other reasons together do not reach
_MOST_MISSING = 0.5


def likely_targets(
    frame: pd.DataFrame, known: Collection[str] | None = None, *, most: int = 3
) -> list[tuple[str, str]]:
    """Columns that are likely to be the target, the likeliest first, each with the reason.

    Parameters
    ----------
    frame : DataFrame
        As :func:`~mlestar.data.sources.read_table` returns it.
    known : collection of str, optional
        The columns of data that is to be predicted: what only the training data has is likely to be the target.
    most : int
    """
    storage = storage_of(frame)
    table = typed(frame, storage)
    found: list[tuple[int, int, str, str]] = []
    for position, (name, held) in enumerate(storage.items()):
        column = table[name]
        role, _ = detect_role(column, held)
        distinct = column.nunique()
        is_identifier = looks_like_identifier_name(name) and distinct == len(column)
        if role in ("text", "date") or distinct < 2 or is_identifier or column.isna().mean() > _MOST_MISSING:
            continue
        reasons = {
            "the data to predict lacks it": _CERTAIN * (known is not None and name not in known),
            "it is named like a target": 10 * (not _TARGET_WORDS.isdisjoint(re.split(r"[^a-z0-9]+", name.lower()))),
            "it is the last column": 5 * (position == len(storage) - 1),
            "it is the first column": 2 * (position == 0 and distinct <= _FEW_VALUES),
            f"it has {distinct} different values": distinct == 2 or (held == "string" and distinct <= _FEW_VALUES),
        }
        points = sum(reasons.values())
        why = ", ".join(reason for reason, weight in reasons.items() if weight)
        if points > 0:
            found.append((-points, position, name, why))
    certain = [each for each in found if each[0] <= -_CERTAIN]
    return [(name, why) for _, _, name, why in sorted(certain or found)[:most]]
