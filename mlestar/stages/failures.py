"""What to say when no candidate ran to its end: the commonest reasons, and what may help."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlestar.stages.candidates import Candidate

__all__ = ["why_nothing_ran"]

_NOTHING_RAN = "no candidate ran to its end"
_MOST_REASONS = 3
_NUMBER = re.compile(r"\d+(\.\d+)?")
_REMEDIES = {
    "timeout": "give it a larger budget",
    "out_of_memory": "free memory, or give it fewer rows",
    "failed": "mend the data or the recipes that these name",
    "invalid_score": "mend the recipes that these name, or choose another metric",
}


def why_nothing_ran(candidates: Sequence[Candidate]) -> str:
    """The commonest reasons with how often they occurred, and the remedy for the first; on one line.

    Reasons that differ in numbers only, such as seconds or lines, count as one.
    """
    alike: dict[str, list[str]] = {}
    for each in candidates:
        text = f"{each.status}: {each.reason}" if each.reason else each.status
        alike.setdefault(_NUMBER.sub("0", text), []).append(text)
    groups = sorted(alike.values(), key=len, reverse=True)
    if not groups:
        return f"{_NOTHING_RAN}: none was started; {_REMEDIES['timeout']}"
    reasons = [f"{len(group)}x {group[0]}" for group in groups[:_MOST_REASONS]]
    if rest := len(candidates) - sum(map(len, groups[:_MOST_REASONS])):
        reasons.append(f"{rest}x something else")
    remedy = _REMEDIES.get(groups[0][0].partition(":")[0], _REMEDIES["failed"])
    return f"{_NOTHING_RAN}: {'; '.join(reasons)}; {remedy}"
