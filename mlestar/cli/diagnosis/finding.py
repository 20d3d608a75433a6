"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Finding", "Status"]

Status: TypeAlias = Literal["ok", "optional", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """What was found, and what to do about it.

    Attributes
    ----------
    id : str
        Its name in JSON.
    title : str
    status : {"ok", "optional", "warn", "fail"}
        ``optional``: not there, and not needed for a run; ``warn``: a run is possible, but not as it should be;
        ``fail``: no run is possible.
    summary : str
    remedy : str
        Empty where nothing is to be done.
    """

    id: str
    title: str
    status: Status
    summary: str
    remedy: str = ""
