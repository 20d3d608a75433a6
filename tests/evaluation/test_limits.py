"""Whatever a candidate does, it ends in time, with all it started, and the reason is told."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from mlestar.evaluation import CandidateFailure, Interrupted, Limits, Server, Workers, _process, connect, start_server
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


def test_time_in_the_queue_is_not_charged(workers: Workers, program: Program, tables: Tables):
    limits = Limits(seconds=60, memory_mb=1000)
    with workers.session(program(), seed=0, threads=1, limits=limits) as session:
        time.sleep(0.5)
        assert session.fit(*tables).seconds < 0.5


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


def test_output_may_be_large_and_its_end_is_kept(workers: Workers, program: Program, tables: Tables):
    fit = "os.write(2, b'first'); [os.write(1, bytes(1 << 20)) for _ in range(64)]; os.write(2, b'last'); os._exit(1)"
    failure = failure_of(workers, program(fit=fit), tables)
    assert failure.reason == "exited with code 1 in fit"
    assert failure.details.endswith("last")
    assert "first" not in failure.details


def test_of_a_crash_and_of_an_error_the_traceback_is_kept(any_workers: Workers, program: Program, tables: Tables):
    crash = failure_of(any_workers, program(fit="print('so far'); ctypes.string_at(8)"), tables)
    assert re.search(r"(?s)so far.*Segmentation fault.*in fit", crash.details)
    error = failure_of(any_workers, program(fit="np.linalg.inv('x')"), tables)
    assert re.search(r"(?s)in fit\n    np.linalg.inv\('x'\).*LinAlgError", error.details)


def test_a_failure_has_the_seconds_of_the_whole_session(workers: Workers, program: Program, tables: Tables):
    failure = failure_of(workers, program(fit="time.sleep(0.3)", predict="1 / 0"), tables)
    assert failure.seconds >= 0.3


def test_interrupted_sessions_end_at_once_and_free_their_cores(
    server_in: Callable[[str], Server], program: Program, tables: Tables
):
    address = server_in("namespaces").address
    at_work, stop = threading.Semaphore(0), threading.Event()

    def hang(_: int) -> type[BaseException]:
        workers = connect(address, stop.is_set)
        try:
            with workers.session(program(fit="time.sleep(1000)"), seed=0, threads=1, limits=Limits(1000, 1000)) as each:
                at_work.release()
                each.fit(*tables)
        except Interrupted as error:
            return type(error)

    with ThreadPoolExecutor(3) as pool:
        ends = pool.map(hang, range(3))  # on two cores, so that one waits
        at_work.acquire()
        at_work.acquire()
        stop.set()
        assert list(ends) == [Interrupted] * 3
    with connect(address).session(program(), seed=0, threads=1, limits=Limits(60, 1000)) as session:
        session.fit(*tables)


def test_a_fork_waits_until_there_is_a_process_left(monkeypatch: pytest.MonkeyPatch):
    answers = iter([BlockingIOError(), BlockingIOError(), 1234])  # no limit that a test could set binds root

    def fork() -> int:
        if isinstance(answer := next(answers), BaseException):
            raise answer
        return answer

    monkeypatch.setattr(os, "fork", fork)
    assert _process.fork() == 1234


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


@pytest.mark.parametrize(
    "fit",
    [
        "for _ in range(100): os.mkdir('d' * 200); os.chdir('d' * 200)",
        "os.umask(0o777); os.mkdir('hidden'); os.mkdir('empty'); open('file', 'w').close()",
        "os.symlink('/', 'root'); os.symlink('.', 'self'); os.mkfifo('pipe')",
    ],
    ids=["deep", "without permissions", "links"],
)
@pytest.mark.parametrize("mode", ["namespaces", "landlock"])
def test_the_scratch_directory_is_removed_whatever_its_state(
    server_in: Callable[[str], Server], program: Program, tables: Tables, mode: str, fit: str
):
    server = server_in(mode)
    with connect(server.address).session(program(fit=fit), seed=0, threads=1, limits=Limits(60, 1000)) as session:
        try:
            session.fit(*tables)
        except CandidateFailure as failure:
            assert "files that cannot be counted" in failure.reason
    assert wait_for(lambda: not list(Path(server.address).parent.glob("scratch-*")))


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
