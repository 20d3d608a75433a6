"""Whatever a candidate does, it ends in time, with all it started, and the reason is told."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from mlestar.evaluation import CandidateFailure, Limits, Server, Workers, connect, start_server
from mlestar.evaluation.session import WorkersLost

Tables = tuple[Path, Path]
Program = Callable[..., str]


def failure_of(
    workers: Workers, code: str, tables: Tables, *, seconds: float = 60, memory_mb: float = 1000
) -> CandidateFailure:
    """What fitting and predicting with a program raises."""
    limits = Limits(seconds=seconds, memory_mb=memory_mb)
    with pytest.raises(CandidateFailure) as failure, workers.session(code, seed=0, threads=1, limits=limits) as session:
        session.fit(*tables)
        session.predict(tables[0])
    return failure.value


def processes_of(address: str) -> list[psutil.Process]:
    """The server at an address and whatever descends from it, also what has left its process group or session."""
    folder = str(Path(address).parent)
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if folder in (process.info["cmdline"] or []) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def wait_for(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true before long."""
    end = time.monotonic() + 30
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize(
    "code",
    [
        {"fit": "while True: pass"},
        {"fit": "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); time.sleep(1000)"},
        {"fit": "ctypes.PyDLL(None).sleep(1000)"},  # holds the interpreter, so that Python handles no signal
        {"helpers": "time.sleep(1000)"},
        {"predict": "time.sleep(1000)"},
    ],
    ids=["loop", "signals blocked", "in C", "import", "predict"],
)
def test_a_hanging_candidate_is_stopped_at_its_deadline(
    any_workers: Workers, program: Program, tables: Tables, code: dict[str, str]
):
    failure = failure_of(any_workers, program(**code), tables, seconds=0.4)
    assert failure.status == "timeout"
    assert "limit 0.4 s" in failure.reason


def test_time_in_the_queue_is_not_charged(workers: Workers, program: Program, tables: Tables):
    limits = Limits(seconds=60, memory_mb=1000)
    with workers.session(program(), seed=0, threads=1, limits=limits) as session:
        time.sleep(0.5)
        assert session.fit(*tables).seconds < 0.5


@pytest.mark.parametrize(
    "fit",
    [
        "self.x_ = np.ones(60_000_000); time.sleep(30)",
        "memory = __import__('mmap').mmap(-1, 480_000_000); memory.write(bytes(480_000_000)); time.sleep(30)",
        """
        for _ in range(4):
            if os.fork() == 0:
                x = np.ones(15_000_000)
                time.sleep(30)
        time.sleep(30)
        """,
    ],
    ids=["array", "shared memory", "children"],
)
def test_memory_is_limited(any_workers: Workers, program: Program, tables: Tables, fit: str):
    failure = failure_of(any_workers, program(fit=fit), tables, memory_mb=200)
    assert failure.status == "out_of_memory"
    assert "limit 0.20 GB" in failure.reason
    assert failure.peak_mb > 200


def test_memory_that_children_share_counts_once(workers: Workers, program: Program, tables: Tables):
    code = program(
        fit="""
            x = np.ones(20_000_000)
            for _ in range(4):
                if os.fork() == 0:
                    time.sleep(30)
            time.sleep(0.3)
        """
    )
    with workers.session(code, seed=0, threads=1, limits=Limits(seconds=60, memory_mb=400)) as session:
        assert session.fit(*tables).peak_mb < 400


@pytest.mark.parametrize(
    ("fit", "reason"),
    [
        ("sys.exit('enough')", "SystemExit: enough"),
        ("os._exit(3)", "exited with code 3"),
        ("print('so far'); ctypes.string_at(8)", r"(?s)killed by SIGSEGV.*so far.*Segmentation fault.*in fit"),
        ("os.abort()", "killed by SIG"),
        ("os.close(3); time.sleep(1000)", "closed its channel"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def deep(): deep()\ndeep()", "RecursionError"),
    ],
    ids=["sys.exit", "os._exit", "segfault", "abort", "channel closed", "interrupt", "recursion"],
)
def test_a_candidate_that_ends_says_how(any_workers: Workers, program: Program, tables: Tables, fit: str, reason: str):
    failure = failure_of(any_workers, program(fit=fit), tables)
    assert failure.status == "failed"
    assert re.search(reason, failure.reason)


def test_output_may_be_large_and_its_end_is_kept(workers: Workers, program: Program, tables: Tables):
    fit = "os.write(2, b'first'); [os.write(1, bytes(1 << 20)) for _ in range(64)]; os.write(2, b'last'); os._exit(1)"
    failure = failure_of(workers, program(fit=fit), tables)
    assert failure.reason.endswith("last")
    assert "first" not in failure.reason


def test_a_candidate_may_close_its_output(workers: Workers, program: Program, tables: Tables):
    with workers.session(
        program(fit="os.close(1); os.close(2)"), seed=0, threads=1, limits=Limits(60, 1000)
    ) as session:
        session.fit(*tables)
        assert len(session.predict(tables[0]).values) == 30


@pytest.mark.parametrize(
    "forged",
    [
        "b'nonsense'",
        "b'[1, 2]'",
        "b'[' * 60_000",
        """b'{"status": "ok", "shape": [30], "labels": null}'""",
        """b'{"status": "ok", "shape": [-30, -1], "labels": [30]}'""",
        """b'{"status": "ok", "shape": {"0": 30}, "labels": "x"}'""",
        """b'{"status": {}, "reason": []}'""",
    ],
)
def test_forged_replies_harm_nobody(workers: Workers, program: Program, tables: Tables, forged: str):
    failure = failure_of(workers, program(predict=f"os.write(3, {forged}); time.sleep(1)"), tables)
    assert failure.status in ("failed", "invalid_score")


def test_a_candidate_patches_only_itself(workers: Workers, program: Program, tables: Tables):
    vandal = program(
        fit="""
            np.isfinite = lambda x: np.array(True)
            time.monotonic = lambda: 0.0
            Solution.predict = lambda self, X: np.full(len(X), np.inf)
        """
    )
    assert failure_of(workers, vandal, tables).status == "invalid_score"
    code = program(fit="assert time.monotonic() > 0")
    with workers.session(code, seed=0, threads=1, limits=Limits(60, 1000)) as session:
        session.fit(*tables)
        np.testing.assert_array_equal(session.predict(tables[0]).values, np.zeros((30, 1)))


DAEMON = """
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            time.sleep(1000)
        os._exit(0)
"""


@pytest.mark.parametrize("mode", ["namespaces", "landlock"])
@pytest.mark.parametrize("end", ["", "    os._exit(0)", "    while True: os.fork()"], ids=["closed", "exits", "bomb"])
def test_what_a_candidate_leaves_behind_dies_with_it(
    server_in: Callable[[str], Server], program: Program, tables: Tables, mode: str, end: str
):
    server = server_in(mode)
    limits = Limits(seconds=20, memory_mb=4000)
    with connect(server.address).session(program(fit=DAEMON + end), seed=0, threads=1, limits=limits) as session:
        if end:
            with pytest.raises(CandidateFailure):
                session.fit(*tables)
        else:
            session.fit(*tables)
            assert wait_for(lambda: len(processes_of(server.address)) > 3)
    assert wait_for(lambda: len(processes_of(server.address)) == 1)


CLIENT = """
    import sys
    from mlestar.evaluation import Limits, connect, start_server

    server = start_server(2)
    with connect(server.address).session(sys.argv[1], seed=0, threads=1, limits=Limits(1000, 1000)) as session:
        print(server.address, flush=True)
        from pathlib import Path
        session.fit(Path(sys.argv[2]), Path(sys.argv[3]))
"""


def test_nothing_survives_a_client_that_is_killed(program: Program, tables: Tables):
    code = program(fit=DAEMON + "    time.sleep(1000)")
    client = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CLIENT), code, *map(str, tables)], stdout=subprocess.PIPE, text=True
    )
    assert client.stdout is not None
    with client.stdout as output:
        address = output.readline().strip()
    assert wait_for(lambda: len(processes_of(address)) >= 4)
    client.send_signal(signal.SIGKILL)
    client.wait()
    assert wait_for(lambda: not processes_of(address))
    assert not Path(address).parent.exists()


def test_a_weak_mode_is_said_and_a_server_that_ends_takes_its_sessions_along(
    program: Program, tables: Tables, caplog: pytest.LogCaptureFixture
):
    server = start_server(1, mode="none")
    assert "weaker sandbox mode 'none'" in caplog.text
    code = program(fit="time.sleep(1000)")
    with connect(server.address).session(code, seed=0, threads=1, limits=Limits(1000, 1000)) as session:
        server.close()
        with pytest.raises(WorkersLost):
            session.fit(*tables)
    assert not processes_of(server.address)
