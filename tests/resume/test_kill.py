"""However a run is killed, nothing is left running, and the next run ends as if nothing had been."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.slow

# Where each stage has begun its work, so that a kill leaves something half done.
MOMENTS: list[tuple[str, dict[str, Any]]] = [
    ("stage_started", {"stage": "scope"}),
    ("evaluated", {"stage": "search"}),
    ("evaluating", {"stage": "ablate"}),
    ("evaluated", {"stage": "refine"}),
    ("stage_started", {"stage": "ensemble"}),
    ("checked", {}),
    ("stage_started", {"stage": "finalize"}),
]
ONCE_MORE = "run the same command again"


def test_a_run_that_is_killed_in_every_stage_ends_as_an_undisturbed_one(
    project: Any, assert_same: Callable[[Any], None]
) -> None:
    executed: dict[str, tuple[int, int]] = {}
    for number, (event, fields) in enumerate(MOMENTS):
        running = project.start()
        running.wait_for(event, **fields)
        running.kill(everything=number % 2 == 0)
        assert executed.items() <= project.records().items()  # nothing was executed again
        executed = project.records()
    done = project.run()
    assert done.returncode in (0, 1), done.stderr
    assert executed.items() <= project.records().items()
    assert_same(project)


def test_a_run_that_loses_one_of_its_processes_says_so_and_the_next_goes_on(
    project: Any, assert_same: Callable[[Any], None]
) -> None:
    for module in ("mlestar.evaluation._server_process", "mlestar.stages.server", "mlestar.engines.local.pipeline"):
        running = project.start()
        running.wait_for("evaluating", stage="search")
        running.find(module).kill()
        status, errors = running.end()
        assert status == 3
        assert ONCE_MORE in errors
        assert errors.count("\n") == 1
    assert project.run().returncode in (0, 1)
    assert_same(project)


def candidates_of(server: psutil.Process) -> Iterator[psutil.Process]:
    """The processes in which candidates are fitted at the moment; they come and go."""
    for supervisor in server.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            yield from supervisor.children()


def killed(process: psutil.Process) -> bool:
    """Whether it was still there to be killed."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()
        return True
    return False


@pytest.mark.parametrize("generation", ["supervisor", "candidate"])
def test_a_run_that_loses_a_worker_goes_on(project: Any, assert_same: Callable[[Any], None], generation: str) -> None:
    running = project.start()
    running.wait_for("evaluating", stage="search")
    server = running.find("mlestar.evaluation._server_process")
    while not any(map(killed, server.children() if generation == "supervisor" else candidates_of(server))):
        pass
    status, errors = running.end()
    assert status in (0, 1), errors
    assert_same(project)
