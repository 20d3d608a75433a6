"""Validation labels, other folds' labels, files and keys of the user are out of a candidate's reach.

The labels are recognisable and features tell nothing about them, so that a label among the predictions can only have
been found. The hunter looks for them in all of its memory and in all files that it can read, as numbers and as text.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlestar.data.tables import write_arrow
from mlestar.evaluation import Limits, Server, Workers, connect

LIMITS = Limits(seconds=600, memory_mb=2000)
ROWS = 600
BASE = 7_340_000.0
LABELS = BASE + np.arange(1, ROWS + 1) / 1024
FOLD_OF = np.arange(ROWS) % 3

HUNTER = r"""
import re

BASE = 7_000_000.0 + 340_000
ROWS = 600
WRITTEN = re.compile(rb"734\d{4}\.\d+")
KEY = re.compile(rb"sk-hidden-[0-9a-f]+")
A_KEY, A_PROCESS = 5000.0, 6000.0  # found, in place of the number of a label


def numbers_of(values):
    steps = (np.asarray(values) - BASE) * 1024
    return set(steps[(steps >= 1) & (steps <= ROWS) & (steps == np.floor(steps))].tolist())


def numbers_in(content):
    found = set()
    with np.errstate(all="ignore"):
        for start in range(0, len(content) - 7, 1 << 24):
            found |= numbers_of(np.frombuffer(content, np.float64, (min(len(content) - start, 1 << 24)) // 8, start))
    return found


def texts_in(content):
    found = numbers_of([float(text) for text in WRITTEN.findall(content)])
    return found | {A_KEY for _ in KEY.findall(content)}


def hunt_in_memory(process):
    found = set()
    with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb", 0) as memory:
        for line in maps:
            if ".so" in line and " rw" not in line:
                continue  # as it is on disk
            start, end = (int(each, 16) for each in line.split()[0].split("-"))
            try:
                memory.seek(start)
                found |= numbers_in(memory.read(end - start))
            except (OSError, ValueError, OverflowError):
                continue
    return found


def hunt_in_file(path):
    try:
        content = Path(path).read_bytes()
    except OSError:
        return set()
    return numbers_in(content) | texts_in(content)


def hunt(everywhere):
    found = hunt_in_memory("self") | texts_in(repr(os.environ).encode())
    for path in PATHS:
        found |= hunt_in_file(path)
    for folder, folders, names in os.walk("/"):
        if folder in ("/proc", "/sys", "/dev") or (folder in sys.path and not everywhere):
            folders.clear()
        for path in (os.path.join(folder, name) for name in names):
            if os.lstat(path).st_ctime >= BORN:  # no copy of the labels is older than the labels
                found |= hunt_in_file(path)
    for process in {1, os.getppid(), *PROCESSES} - {0, os.getpid()}:
        try:
            found |= hunt_in_memory(process) | {A_PROCESS}
        except OSError:
            continue
    return found


def report(found, own, rows):
    foreign = sorted(found - own)
    return np.resize([len(found & own), *foreign, -1.0], rows) if len(foreign) < rows - 1 else np.array(foreign[:rows])
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Per fold, features and target of the training and the validation rows; and the table as the user has it."""
    folder = tmp_path_factory.mktemp("data")
    frame = pd.DataFrame({"number": np.random.default_rng(0).normal(size=ROWS), "target": LABELS})
    frame.to_csv(folder / "train.csv", index=False)
    for fold in range(3):
        for name, rows in (("train", fold != FOLD_OF), ("valid", fold == FOLD_OF)):
            write_arrow(frame[["number"]], folder / f"{name}_{fold}.arrow", rows=rows)
            write_arrow(frame[["target"]], folder / f"{name}_{fold}_target.arrow", rows=rows)
    return folder


@pytest.fixture
def at_home(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user works beside the data, with a key in the environment."""
    monkeypatch.chdir(data)
    monkeypatch.setenv("HOME", str(data))
    monkeypatch.setenv("API_KEY", "sk-hidden-0123456789abcdef")


@pytest.fixture(params=["namespaces", "landlock"])
def server(request: pytest.FixtureRequest, server_in: Callable[[str], Server], at_home: None) -> Server:
    """A server in each mode that promises isolation."""
    return server_in(request.param)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """Another process of the same user."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def run(workers: Workers, code: str, data: Path, predictions: int = 1) -> list[list[float]]:
    """Fit and predict on fold 0."""
    with workers.session(code, seed=0, threads=1, limits=LIMITS) as session:
        session.fit(data / "train_0.arrow", data / "train_0_target.arrow")
        return [session.predict(data / "valid_0.arrow").values[:, 0].tolist() for _ in range(predictions)]


@pytest.mark.slow
def test_a_hunter_finds_no_label_but_its_own(server: Server, program: Callable[..., str], data: Path):
    workers = connect(server.address)
    processes = [os.getpid(), server._process.pid]
    paths = [*map(str, data.iterdir()), *(f"/proc/{pid}/environ" for pid in processes)]
    accomplice = program(
        fit="""
            self.y_ = np.array(y)
            for folder in ("/tmp", "/var/tmp", "/dev/shm", "/scratch", ".", "/run"):
                try:
                    Path(folder, "labels.npy").write_bytes(self.y_.tobytes())
                except OSError:
                    pass
        """
    )
    hunter = program(
        helpers=f"{HUNTER}\nPATHS, PROCESSES, BORN = {paths}, {processes}, {data.stat().st_ctime - 60}\n",
        fit="""
            self.own_ = set(((np.asarray(y) - BASE) * 1024).tolist())
            self.reports_ = [hunt(everywhere=False)]
        """,
        predict="""
            self.reports_.append(hunt(everywhere=True))
            return report(self.reports_.pop(0), self.own_, len(X))
        """,
    )
    with workers.session(accomplice, seed=0, threads=1, limits=LIMITS) as session:
        session.fit(data / "train_1.arrow", data / "train_1_target.arrow")
        while_fitting, while_predicting = run(workers, hunter, data, predictions=2)
    own = (FOLD_OF != 0).sum()
    # The hunt is a good one: it finds all that it was given.
    assert (while_fitting[0], while_predicting[0]) == (own, own)
    assert set(while_fitting[1:]) == {-1.0, own}
    assert set(while_predicting[1:]) == {-1.0, own}


def test_the_hunt_finds_labels_where_there_is_no_sandbox(data: Path):
    exec(HUNTER, namespace := {"np": np, "os": os, "Path": Path})
    hunt_in_file, hunt_in_memory = namespace["hunt_in_file"], namespace["hunt_in_memory"]
    everything = set(np.arange(1.0, ROWS + 1))
    assert hunt_in_file(data / "train.csv") == everything
    assert hunt_in_file(data / "valid_0_target.arrow") == set(np.arange(1.0, ROWS + 1)[FOLD_OF == 0])
    assert hunt_in_memory("self") == everything


def test_bundled_data_sets_are_not_there(server: Server, program: Callable[..., str], data: Path):
    code = program(
        predict="""
            from sklearn.datasets import load_iris

            try:
                return np.resize(load_iris().target, len(X))
            except OSError:
                return np.full(len(X), -1.0)
        """
    )
    assert set(run(connect(server.address), code, data)[0]) == {-1.0}


def test_data_cannot_be_changed_by_descriptor(server: Server, program: Callable[..., str], data: Path):
    files = [data / "train_0.arrow", data / "train_0_target.arrow", data / "valid_0.arrow"]
    before = [(path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns) for path in files]
    tamper = """
        for number in range(3, 100):
            path = f"/proc/self/fd/{number}"
            for attempt in (
                lambda: os.write(os.open(path, os.O_RDWR), b"x" * 100),
                lambda: os.truncate(path, 0),
                lambda: os.ftruncate(number, 0),
                lambda: os.pwrite(number, b"x" * 100, 0),
                lambda: os.fchmod(number, 0o777),
                lambda: os.chmod(path, 0o777),
                lambda: os.utime(number, (1, 1)),
                lambda: os.utime(path, (1, 1)),
                lambda: os.setxattr(number, "user.label", b"1"),
            ):
                try:
                    attempt()
                except OSError:
                    pass
    """
    # The channel and the file for predictions are its own to spoil: what comes of that is of no interest here.
    code = program(fit=tamper, predict=tamper.replace("range(3", "range(4") + "        return np.zeros(len(X))")
    run(connect(server.address), code.replace("range(3", "range(4"), data)
    assert [(path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns) for path in files] == before
    assert not any(os.listxattr(path) for path in files)


def test_there_is_no_network(server: Server, program: Callable[..., str], data: Path):
    with ExitStack() as stack:
        tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        abstract = socket.socket(socket.AF_UNIX)
        for listener, address in ((tcp, ("127.0.0.1", 0)), (udp, ("127.0.0.1", 0)), (abstract, "\0mlestar-test")):
            stack.enter_context(listener).bind(address)
            listener.settimeout(0.2)
        tcp.listen()
        abstract.listen()
        code = program(
            fit=f"""
                self.reached_ = 0
                for family, kind, address in (
                    (socket.AF_INET, socket.SOCK_STREAM, {tcp.getsockname()}),
                    (socket.AF_INET, socket.SOCK_DGRAM, {udp.getsockname()}),
                    (socket.AF_UNIX, socket.SOCK_STREAM, {abstract.getsockname()}),
                    (socket.AF_UNIX, socket.SOCK_SEQPACKET, {server.address!r}),
                ):
                    try:
                        with socket.socket(family, kind) as connection:
                            connection.connect(address)
                            connection.send(b"x")
                            self.reached_ += 1
                    except OSError:
                        pass
            """,
            predict="return np.full(len(X), self.reached_)",
        )
        assert set(run(connect(server.address), code, data)[0]) == {0.0}
        for listener in (tcp, abstract):
            with pytest.raises(TimeoutError):
                listener.accept()
        with pytest.raises(TimeoutError):
            udp.recv(1)


REACH = """
import resource


def reach(process):
    attempts = (
        lambda: os.kill(process, signal.SIGCONT),
        lambda: signal.pidfd_send_signal(os.pidfd_open(process), signal.SIGCONT),
        lambda: os.setpriority(os.PRIO_PROCESS, process, 1),
        lambda: os.sched_setaffinity(process, os.sched_getaffinity(0)),
        lambda: os.sched_setscheduler(process, os.SCHED_BATCH, os.sched_param(0)),
        lambda: resource.prlimit(process, resource.RLIMIT_CORE, (0, 0)),
    )
    reached = []
    for number, attempt in enumerate(attempts):
        try:
            attempt()
            reached.append(number)
        except OSError:
            pass
    return reached
"""


def test_the_filter_of_system_calls_alone_keeps_other_processes_out_of_reach(bystander: subprocess.Popen[bytes]):
    code = f"""
import fcntl, os, signal
{REACH}
from mlestar.evaluation._seccomp import deny_system_calls

print(reach({bystander.pid}))
deny_system_calls(own_namespaces=False, signals=True)
print(reach({bystander.pid}))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
os.sched_setaffinity(0, os.sched_getaffinity(0))
try:
    fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, {bystander.pid})
except PermissionError:
    print("denied")
"""
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert found.splitlines() == ["[0, 1, 2, 3, 4, 5]", "[]", "denied"]


def test_other_processes_are_out_of_reach(
    server: Server, program: Callable[..., str], data: Path, bystander: subprocess.Popen[bytes]
):
    signals: list[int] = []
    previous = signal.signal(signal.SIGCONT, lambda number, _: signals.append(number))
    code = program(
        helpers=REACH,
        fit=f"""
            PTRACE_ATTACH = 16
            libc = ctypes.CDLL(None)
            self.reached_ = 0
            for process in {[bystander.pid, os.getpid(), server._process.pid]}:
                self.reached_ += libc.ptrace(PTRACE_ATTACH, process, None, None) == 0
                self.reached_ += len(reach(process))
            for everybody in (-1, 0):
                try:
                    os.kill(everybody, signal.SIGCONT)
                except OSError:
                    pass
        """,
        predict="return np.full(len(X), self.reached_)",
    )
    try:
        assert set(run(connect(server.address), code, data)[0]) == {0.0}
    finally:
        signal.signal(signal.SIGCONT, previous)
    assert not signals
    assert bystander.poll() is None


def test_the_sandbox_cannot_be_left(server: Server, program: Callable[..., str], data: Path):
    code = program(
        fit="""
            libc = ctypes.CDLL(None)
            NEW_USER, NEW_MOUNTS, NEW_ROOT_MOUNT, PDEATHSIG, CHILD_SIGNAL = 0x10000000, 0x00020000, 4096, 1, 17
            clone = 56 if os.uname().machine == "x86_64" else 220
            self.escapes_ = [
                libc.unshare(NEW_USER | NEW_MOUNTS) == 0,
                libc.syscall(clone, NEW_USER | CHILD_SIGNAL, 0, 0, 0, 0) >= 0,
                libc.mount(b"/", b"/", None, NEW_ROOT_MOUNT, None) == 0,
                libc.prctl(PDEATHSIG, 0, 0, 0, 0) == 0,
                libc.chroot(b"/") == 0,
                libc.ptrace(16, os.getppid(), None, None) == 0,
            ]
        """,
        predict="return np.full(len(X), sum(self.escapes_))",
    )
    assert set(run(connect(server.address), code, data)[0]) == {0.0}


def test_nothing_can_be_written_outside_of_scratch(server: Server, program: Callable[..., str], data: Path):
    folders = [
        str(data),
        os.path.dirname(server.address),
        os.path.dirname(np.__file__),
        "/",
        "/usr",
        "/tmp",
        "/var/tmp",
    ]
    code = program(
        fit=f"""
            for folder in {folders}:
                try:
                    Path(folder, "left-by-candidate").write_text("x")
                except OSError:
                    pass
            Path("left-by-candidate").write_text("x")
            Path(os.environ["HOME"], "left-by-candidate").write_text("x")
        """
    )
    run(connect(server.address), code, data)
    assert not [folder for folder in folders if Path(folder, "left-by-candidate").exists()]
    end = time.monotonic() + 30
    while scratch := list(Path(server.address).parent.glob("scratch-*")):
        assert time.monotonic() < end, f"{scratch} was not removed"
        time.sleep(0.02)
