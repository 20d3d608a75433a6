"""Whatever a candidate does, its session ends in time with a reason in one line, and the next one is not affected.

Every row of the table runs in both sandbox modes, followed by a good program on the same worker server.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlestar.data.tables import write_arrow
from mlestar.evaluation import CandidateFailure, Limits, Workers

Tables = tuple[Path, Path]
Program = Callable[..., str]

LIMITS = {
    "timeout": Limits(seconds=0.4, memory_mb=4000),
    "out_of_memory": Limits(seconds=60, memory_mb=200),
    "failed": Limits(seconds=60, memory_mb=4000),
    "invalid_score": Limits(seconds=60, memory_mb=4000),
}

UNPRINTABLE = """
    class Unprintable(Exception):
        def __str__(self):
            raise self

    sys.stderr = None
    raise Unprintable
"""
STUBBORN = """
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            pass
"""
BLOCKED = "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); time.sleep(1000)"
DETACHED = """
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            time.sleep(1000)
        os._exit(0)
    raise ValueError("but its child goes on")
"""
CHILDREN = """
    for _ in range(4):
        if os.fork() == 0:
            x = np.ones(15_000_000)
            time.sleep(60)
    time.sleep(60)
"""
SHARED = "import mmap; memory = mmap.mmap(-1, 480_000_000); memory.write(bytes(480_000_000)); time.sleep(60)"
FILES = """
    for number in range(4):
        with open(str(number), "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 400_000_000)
    time.sleep(60)
"""
A_FILE = "os.posix_fallocate(os.open('x', os.O_CREAT | os.O_WRONLY), 0, 400_000_000); time.sleep(60)"
NO_MORE_HANDLES = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))"
THREADS = """
    import threading
    for _ in range(1500):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    time.sleep(60)
"""
ENDED_BY_A_THREAD = "import threading; threading.Timer(0.1, os._exit, (3,)).start(); time.sleep(60)"

IN_FIT = r"\(solution.py, line \d+, in fit: .+\)"
TOO_LATE = r"over the time limit of 0\.4 s in"
TOO_LARGE = r"over the memory limit of 200 MB in fit: used \d+ MB"
NO_NUMBERS = "predictions are not numbers:"

# Name, part of the program, what it does there, status, and the reason (a pattern of all of it).
TABLE = [
    ("raises", "fit", "raise ValueError('no luck')", "failed", f"ValueError: no luck {IN_FIT}"),
    ("raises in predict only", "predict", "raise OSError('a\\nb')", "failed", r"OSError: a \(.*, in predict: .*\)"),
    ("raises when imported", "helpers", "1 / 0", "failed", r"ZeroDivisionError: .*, in <module>: 1 / 0\)"),
    ("raises what cannot be printed", "fit", UNPRINTABLE, "failed", "exited with code 1 in fit"),
    ("raises a long message", "fit", "raise ValueError('x' * 10_000_000)", "failed", f"ValueError: x{{288}} {IN_FIT}"),
    ("raises KeyboardInterrupt", "fit", "raise KeyboardInterrupt", "failed", f"KeyboardInterrupt {IN_FIT}"),
    ("recurs without end", "fit", "def deep(): deep()\ndeep()", "failed", "RecursionError: .*"),
    ("does not parse", "fit", "return (", "failed", r"SyntaxError: .* \(solution.py, line \d+\)"),
    ("loops", "fit", "while True: pass", "timeout", f"{TOO_LATE} fit"),
    ("catches all exceptions", "fit", STUBBORN, "timeout", f"{TOO_LATE} fit"),
    ("blocks all signals", "fit", BLOCKED, "timeout", f"{TOO_LATE} fit"),
    ("hangs in C", "fit", "ctypes.PyDLL(None).sleep(1000)", "timeout", f"{TOO_LATE} fit"),
    ("hangs when imported", "helpers", "time.sleep(1000)", "timeout", f"{TOO_LATE} fit"),
    ("sleeps in predict only", "predict", "time.sleep(1000)", "timeout", f"{TOO_LATE} predict"),
    ("sys.exit", "fit", "sys.exit('enough')", "failed", f"SystemExit: enough {IN_FIT}"),
    ("os._exit", "fit", "os._exit(0)", "failed", "exited with code 0 in fit"),
    ("os._exit in a thread", "fit", ENDED_BY_A_THREAD, "failed", "exited with code 3 in fit"),
    ("segfault", "fit", "ctypes.string_at(8)", "failed", r"killed by SIGSEGV \(segmentation fault\) in fit"),
    ("abort", "predict", "os.abort()", "failed", r"killed by SIG(ABRT|SEGV) \(.+\) in predict"),
    ("closes its channel", "fit", "os.close(3); time.sleep(60)", "failed", "the candidate closed its channel in fit"),
    ("leaves a detached child", "fit", DETACHED, "failed", f"ValueError: but its child goes on {IN_FIT}"),
    ("memory", "fit", "x = np.ones(60_000_000); time.sleep(60)", "out_of_memory", TOO_LARGE),
    ("more memory than there is", "fit", "np.ones(1 << 45)", "out_of_memory", f".*MemoryError: Unable .* {IN_FIT}"),
    ("shared memory", "fit", SHARED, "out_of_memory", TOO_LARGE),
    ("memory of children", "fit", CHILDREN, "out_of_memory", TOO_LARGE),
    ("memory in files", "fit", A_FILE, "out_of_memory", rf"{TOO_LARGE}, \d+ MB of it in files"),
    ("disk", "fit", FILES, "failed", f"OSError: .*No space.* {IN_FIT}|wrote files of more than 1.1 GB in fit"),
    ("a large file", "fit", "open('x', 'wb').truncate(1 << 31)", "failed", f"OSError: .*File too large {IN_FIT}"),
    ("file handles", "fit", "x = [os.dup(0) for _ in range(2000)]", "failed", "OSError: .*Too many open files .*"),
    ("no file handles left", "fit", NO_MORE_HANDLES, "failed", "OSError: .* none can be opened for the data"),
    ("threads", "fit", THREADS, "failed", "started more than 1000 threads in fit|RuntimeError: .* new thread.*"),
    ("processes", "fit", "while True: os.fork()", "failed", "started more than 64 processes in fit|BlockingIOError.*"),
    ("NaN", "predict", "return np.full(len(X), np.nan)", "invalid_score", ".* not finite, the first for row 0"),
    ("infinity", "predict", "return np.exp(X['number'] * 99)", "invalid_score", ".* not finite, the first for row 8"),
    ("too few rows", "predict", "return np.zeros(29)", "invalid_score", r"predictions of shape \[29\] for 30 rows"),
    ("too many rows", "predict", "return np.zeros(31)", "invalid_score", r"predictions of shape \[31\] for 30 rows"),
    ("one number", "predict", "return 1.0", "invalid_score", r"predictions of shape \[1\] for 30 rows"),
    ("nothing", "predict", "return None", "invalid_score", r"predictions of shape \[1\] for 30 rows"),
    ("three axes", "predict", "return np.zeros((30, 1, 1))", "invalid_score", r".* shape \[30, 1, 1\] for 30 rows"),
    ("ragged rows", "predict", "return [[0], [0, 1]] * 15", "invalid_score", f"{NO_NUMBERS} .*"),
    ("strings", "predict", "return ['high'] * 30", "invalid_score", f"{NO_NUMBERS} their type is <U4"),
    ("objects", "predict", "return [Solution()] * 30", "invalid_score", f"{NO_NUMBERS} .*Solution.*"),
    ("complex numbers", "predict", "return np.ones(30) * 1j", "invalid_score", f"{NO_NUMBERS} .* complex128"),
    ("dates", "predict", "return [np.datetime64(0, 's')] * 30", "invalid_score", f"{NO_NUMBERS} .* datetime64.*"),
    ("an unknown class", "classify", "return ['other'] * 30", "invalid_score", "predict returned 'other', .* CLASSES"),
    ("too few classes", "classify", "return ['no']", "invalid_score", r"labels of shape \[1\] for 30 rows"),
]  # fmt: skip


@pytest.fixture(scope="module")
def class_tables(tables: Tables) -> Tables:
    """The same features with two classes."""
    write_arrow(pd.DataFrame({"target": np.arange(30) % 2}), tables[0].with_name("classes.arrow"))
    return tables[0], tables[0].with_name("classes.arrow")


def predictions_of(workers: Workers, code: str, tables: Tables, limits: Limits) -> np.ndarray:
    with workers.session(code, seed=0, threads=1, limits=limits) as session:
        session.fit(*tables)
        return session.predict(tables[0]).values[:, 0]


@pytest.mark.parametrize(
    ("part", "code", "status", "reason"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_a_bad_candidate_says_why_and_harms_nobody(
    any_workers: Workers,
    program: Program,
    tables: Tables,
    class_tables: Tables,
    part: str,
    code: str,
    status: str,
    reason: str,
):
    classifies = part == "classify"
    bad = program(predict=code, classes=("no", "yes")) if classifies else program(**{part: code})
    with pytest.raises(CandidateFailure) as failure:
        predictions_of(any_workers, bad, class_tables if classifies else tables, LIMITS[status])
    assert failure.value.status == status
    assert re.fullmatch(reason, failure.value.reason), failure.value.reason
    good = program(fit="self.mean_ = y.mean()", predict="return X['number'] + self.mean_")
    found = predictions_of(any_workers, good, tables, Limits(seconds=60, memory_mb=1000))
    np.testing.assert_array_equal(found, np.arange(30) + 29.0)


VANDAL = """
    import builtins, faulthandler, gc, random, threading, warnings
    import sklearn.metrics
    from sys import modules
    os.chdir("/")
    os.environ.clear()
    os.umask(0o777)
    random.seed(1); np.random.seed(1)
    np.seterr(all="raise")
    warnings.simplefilter("error")
    sklearn.set_config(transform_output="pandas", assume_finite=True)
    pd.set_option("display.max_rows", 1)
    for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    sys.setrecursionlimit(100)
    threading.settrace(lambda *_: None)
    gc.disable()
    faulthandler.disable()
    sys.path.clear()
    sys.stdout = sys.stderr = None
    sklearn.metrics.root_mean_squared_error = sklearn.metrics.roc_auc_score = lambda *_, **__: 1.0
    modules["mlestar.evaluation.supervisor"].supervise = modules["mlestar.evaluation._packets"].send = lambda *_: None
    np.isfinite = lambda x: np.array(True)
    time.monotonic = time.time = lambda: 0.0
    os.kill = os.waitpid = lambda *_: None
    builtins.max = lambda *_: 0
"""
STATE = """
    import builtins, gc, random, tempfile, warnings
    import sklearn.metrics
    from sys import modules
    mask = os.umask(0o022)
    functions = [
        sklearn.metrics.root_mean_squared_error, sklearn.metrics.roc_auc_score, np.isfinite, time.monotonic, os.kill,
        modules["mlestar.evaluation.supervisor"].supervise, modules["mlestar.evaluation._packets"].send, builtins.max,
    ]
    state = [
        random.random(), np.random.random(), np.geterr(), warnings.filters, sklearn.get_config(), sys.path, mask,
        sys.getrecursionlimit(), gc.isenabled(), [signal.getsignal(each) for each in range(1, 32)],
        [getattr(each, "__name__", "") for each in functions], Path.cwd() == Path(os.environ["HOME"]),
        sorted(os.environ), os.listdir(), sorted(os.listdir("/proc/self/fd")), tempfile.gettempdir() == str(Path.cwd()),
    ]
    digest = __import__("hashlib").sha256(repr(state).encode()).hexdigest()
    return np.resize([int(digest[:12], 16)], len(X))
"""


def test_changed_global_state_ends_with_the_candidate(any_workers: Workers, program: Program, tables: Tables):
    limits = Limits(seconds=60, memory_mb=1000)
    before = predictions_of(any_workers, program(predict=STATE), tables, limits)
    vandal = program(helpers="import pandas as pd", fit=VANDAL, predict="return X['number']")
    with any_workers.session(vandal, seed=0, threads=1, limits=limits) as session:
        session.fit(*tables)
        np.testing.assert_array_equal(session.predict(tables[0]).values[:, 0], np.arange(30))
    after = predictions_of(any_workers, program(predict=STATE), tables, limits)
    np.testing.assert_array_equal(after, before)


def test_data_is_not_withheld_from_others_by_a_lease(any_workers: Workers, program: Program, tables: Tables):
    lease = """
        import fcntl
        self.taken_ = 0
        for descriptor in range(4, 16):
            try:
                fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
                self.taken_ += 1
            except OSError:
                pass
    """
    code = program(fit=lease, predict="return np.full(len(X), self.taken_)")
    assert set(predictions_of(any_workers, code, tables, Limits(60, 1000))) == {0.0}
