"""The systems of the benchmark: how each is run on a task, in an environment of its own."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd

__all__ = ["DATA", "ROOT", "SYSTEMS", "Finished", "System", "machine", "scope_spec", "time_column"]

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("MLESTAR_BENCH_DATA", ROOT.parent / "shared" / "data")).resolve()
PEERS = ROOT / "benchmarks" / "peers"
WATCHER = ROOT / "benchmarks" / "watch.py"
ENVIRONMENTS = ROOT / "runs" / "benchmark" / "environments"


@dataclass(frozen=True)
class Finished:
    """A process that has ended; ``peak_mb`` is the largest resident memory of any one of its processes."""

    exit_code: int
    peak_mb: float


@dataclass(frozen=True)
class System:
    """How to run one system, and what its version is.

    ``run(name, task, seconds, seed, folder)`` leaves ``predictions.csv`` in the folder.
    """

    run: Callable[[str, dict, float, int, Path], Finished]
    version: Callable[[], str]
    is_peer: bool = False


def machine() -> str:
    """Processor and cores, for example ``AMD EPYC, 2 cores``."""
    lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines())
    models = (value.strip() for key, _, value in lines if key.strip() == "model name")
    return f"{next(models, platform.machine())}, {len(os.sched_getaffinity(0))} cores"


def scope_spec(name: str, task: dict, *, seconds: float, seed: int) -> dict:
    """A spec that says what tasks.json says, and nothing else."""
    spec = {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": name,
        "data": {"train": str(DATA / name / "train.csv"), "test": str(DATA / name / "test.csv")},
        "task": {"target": task["target"], "metric": task["metric"]},
        "constraints": {"forbidden_features": task["drop"]},
        "budget": {"wall_clock": seconds},
        "seed": seed,
    }
    if task["kind"] == "regression":
        spec["task"]["type"] = "regression"
    if task["metric"] in ("f1", "average_precision"):  # of the class that scores.py takes for the positive one
        spec["task"]["positive"] = pd.read_csv(DATA / name / "train.csv", usecols=[task["target"]]).max().item()
    if "group_col" in task:
        spec["task"]["group"] = task["group_col"]
    if time := time_column(name, task):
        spec["task"]["time"] = time
    return spec


def time_column(name: str, task: dict) -> str | None:
    """What orders the rows of a task in time: what tasks.json names, else the first column that holds dates."""
    if task["modality"] != "time-ordered" or "time_col" in task:
        return task.get("time_col")
    rows = pd.read_csv(DATA / name / "train.csv", nrows=1000).drop(columns=task["target"])
    texts = rows.select_dtypes(exclude="number")
    return next((each for each in texts if pd.to_datetime(texts[each], errors="coerce").notna().all()), None)


def run_mlestar(name: str, task: dict, seconds: float, seed: int, folder: Path) -> Finished:
    """`mlestar run` on a spec of what tasks.json says."""
    spec = scope_spec(name, task, seconds=seconds, seed=seed)
    path = folder / "spec.yaml"
    path.write_text(json.dumps(spec, indent=1), encoding="utf-8")
    mlestar = Path(sys.executable).with_name("mlestar")
    finished = _finished([mlestar, "run", path, "--out", folder / "run", "--unblessed"], folder)
    if (folder / "run" / "predictions.csv").exists():
        shutil.copyfile(folder / "run" / "predictions.csv", folder / "predictions.csv")
    return finished


def run_script(
    script: str, environment: Callable[[], Path], *arguments: str
) -> Callable[[str, dict, float, int, Path], Finished]:
    """A script of ``peers/`` in the environment that it needs."""

    def run(name: str, task: dict, seconds: float, seed: int, folder: Path) -> Finished:
        job = {
            "data": str(DATA / name),
            "out": str(folder),
            "target": task["target"],
            "kind": task["kind"],
            "metric": task["metric"],
            "seconds": seconds,
            "started": time.time(),
            "seed": seed,
            "cores": len(os.sched_getaffinity(0)),
            "drop": task["drop"],
            "group": task.get("group_col"),
            "time": time_column(name, task),
        }
        path = folder / "job.json"
        path.write_text(json.dumps(job, indent=1), encoding="utf-8")
        return _finished([environment(), PEERS / script, path, *arguments], folder)

    return run


def _finished(command: list, folder: Path) -> Finished:
    """Run a command in a folder to its end."""
    peak = folder / "peak_kb.txt"
    with (folder / "log.txt").open("wb") as log:
        watched = [sys.executable, "-S", WATCHER, peak, *command]
        ended = subprocess.run(watched, stdout=log, stderr=log, cwd=folder, check=False)
    return Finished(ended.returncode, round(int(peak.read_text(encoding="utf-8")) / 1024, 1))


def made_environment(name: str) -> Path:
    """The interpreter of a peer's environment, made from ``peers/NAME.txt`` where there is none."""
    folder, requirements = ENVIRONMENTS / name, PEERS / f"{name}.txt"
    python, stamp = folder / "bin" / "python", folder / ".installed"
    wanted = requirements.read_text(encoding="utf-8")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", requirements], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def _peer(name: str, script: str, *arguments: str) -> System:
    def its_version() -> str:
        code = f"from importlib.metadata import version; print(version({_PACKAGES[name]!r}))"
        command = [made_environment(name), "-c", code]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    return System(run_script(script, lambda: made_environment(name), *arguments), its_version, is_peer=True)


def _own_version() -> str:
    """With the commit; where something is changed since, with a digest of that too."""
    commit, changes = (
        subprocess.run(["git", "-C", ROOT, *command], capture_output=True, check=True).stdout
        for command in (["rev-parse", "--short", "HEAD"], ["diff", "HEAD", "--", "mlestar"])
    )
    changed = f"+{hashlib.sha256(changes).hexdigest()[:7]}" if changes else ""
    return f"{version('mlestar')} {commit.decode().strip()}{changed}"


_PACKAGES = {"autogluon": "autogluon.tabular", "flaml": "flaml"}
SYSTEMS = {
    "mlestar": System(run_mlestar, _own_version),
    "plain": System(run_script("plain.py", lambda: Path(sys.executable)), lambda: version("scikit-learn")),
    "autogluon-best": _peer("autogluon", "autogluon.py", "best_quality"),
    "autogluon-medium": _peer("autogluon", "autogluon.py", "medium_quality"),
    "flaml": _peer("flaml", "flaml.py"),
}
