"""What this machine can and cannot do for a run, and how to get what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mlestar.cli.diagnosis.finding import Finding

__all__ = ["Finding", "diagnose"]


def diagnose(out: Path, store: str | None) -> Iterator[Finding]:
    """Look at the machine, one thing after the other; the sandbox takes some seconds.

    Parameters
    ----------
    out
        The folder that runs go to.
    store
        Evaluation store, a directory or a bucket URI; by default it is in the folder of the run.
    """
    from mlestar.cli.diagnosis.disk import folder_finding, temporary_finding
    from mlestar.cli.diagnosis.machine import container_finding, core_finding, memory_finding, system_finding
    from mlestar.cli.diagnosis.packages import extra_finding, library_finding, openmp_finding
    from mlestar.cli.diagnosis.sandbox import sandbox_finding
    from mlestar.cli.diagnosis.store import store_finding

    yield system_finding()
    yield core_finding()
    yield memory_finding()
    yield folder_finding(out)
    yield temporary_finding()
    yield library_finding()
    yield openmp_finding()
    yield sandbox_finding()
    yield store_finding(store)
    yield extra_finding()
    yield container_finding()
