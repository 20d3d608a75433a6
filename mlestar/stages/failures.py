"""What to say when nothing ran: the commonest reasons, and what may help."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["why_nothing_ran"]

_MOST_REASONS = 3
_NUMBER = re.compile(r"\d+(\.\d+)?")
_REMEDIES = {
    "timeout": "give it a larger budget",
    "out_of_memory": "free memory, or give it fewer rows",
    "failed": "mend the data or the recipes that these name",
    "invalid_score": "mend the recipes that these name, or choose another metric",
}


def why_nothing_ran(failures: Sequence[tuple[str, str | None]]) -> str:
    """The commonest reasons with how often they occurred, and the remedy for the first; on one line.

    Parameters
    ----------
    failures : sequence of (status, reason)
        Reasons that differ in numbers only, such as seconds or lines, count as one.

    Examples
    --------
    >>> why_nothing_ran([("timeout", f"over the time limit of {seconds} s in fit") for seconds in (3.5, 2.0)])
    '2x timeout: over the time limit of 3.5 s in fit; give it a larger budget'
    """
    alike: dict[str, list[str]] = {}
    for status, reason in failures:
        text = f"{status}: {reason}" if reason else status
        alike.setdefault(_NUMBER.sub("0", text), []).append(text)
    groups = sorted(alike.values(), key=len, reverse=True)
    if not groups:
        return f"none was started; {_REMEDIES['timeout']}"
    reasons = [f"{len(group)}x {group[0]}" for group in groups[:_MOST_REASONS]]
    if rest := len(failures) - sum(map(len, groups[:_MOST_REASONS])):
        reasons.append(f"{rest}x something else")
    remedy = _REMEDIES.get(groups[0][0].partition(":")[0], _REMEDIES["failed"])
    return f"{'; '.join(reasons)}; {remedy}"
