"""The section with the checks of the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlestar.report.run import Run

__all__ = ["ORDER", "checks"]

ORDER = ("fail", "warn", "not_run", "pass")


def checks(run: Run) -> list[Mapping[str, Any]]:
    """The checks, the gravest outcome first; those that the spec turned off at the end."""
    found = (run.verdict or {}).get("checks", [])
    return sorted(found, key=lambda check: (check["severity"] == "off", ORDER.index(check["status"])))
