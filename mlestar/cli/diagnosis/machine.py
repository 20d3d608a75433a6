"""The machine: system, cores, memory, and what it has to run containers."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess

from mlestar.cli.diagnosis.finding import Finding

__all__ = ["container_finding", "core_finding", "memory_finding", "system_finding"]

_LEAST_MEMORY, _GOOD_MEMORY = 0.8e9, 2e9  # bytes: for the processes of a run alone; for small tables beside them
_PATIENCE = 5.0  # seconds for the daemon of a container engine


def system_finding() -> Finding:
    """The system and Python."""
    found = f"Python {platform.python_version()} on {platform.system()} {platform.release()}, {platform.machine()}"
    if platform.system() == "Linux":
        return Finding("system", "System", "ok", found)
    remedy = "run mlestar on Linux, in a virtual machine or a container; predict with solution.py anywhere"
    return Finding("system", "System", "fail", f"{found}: candidates are sandboxed by means of Linux", remedy)


def core_finding() -> Finding:
    """The cores that a run uses, and whether it gets their time."""
    from mlestar.stages.control_groups import cpu_limit
    from mlestar.stages.environment import cores

    usable, limit = cores(), cpu_limit()
    found = f"{usable} of {os.cpu_count()} cores"
    if limit is None or limit >= usable:
        return Finding("cores", "Cores", "ok", f"{found}; as many candidates are fitted at once")
    return Finding(
        "cores",
        "Cores",
        "warn",
        f"{found}, but no more than the time of {limit:g}: fits would slow each other down",
        "give the container whole cores, in Docker by --cpus 2 or --cpuset-cpus 0,1",
    )


def memory_finding() -> Finding:
    """The memory that is there for a run."""
    import psutil

    from mlestar.stages.environment import memory_available

    machine, left = psutil.virtual_memory(), memory_available()
    found = f"{_gigabytes(left)} free of {_gigabytes(machine.total)}"
    if left < 0.9 * machine.available:
        found += ", as the control group of this process allows"
    remedy = "end other programs, or give the machine or container more memory"
    if left < _LEAST_MEMORY:
        return Finding("memory", "Memory", "fail", f"{found}: a run needs {_gigabytes(_LEAST_MEMORY)} at least", remedy)
    if left < _GOOD_MEMORY:
        return Finding("memory", "Memory", "warn", f"{found}: enough for small tables only", remedy)
    return Finding("memory", "Memory", "ok", found)


def container_finding() -> Finding:
    """Whether something can run containers, which a run on this machine does not need."""
    title = "Containers"
    for engine in ("docker", "podman"):
        if shutil.which(engine) is None:
            continue
        command = [engine, "version", "--format", "{{.Server.Version}}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return Finding("containers", title, "ok", f"{engine} {done.stdout.strip()}")
        said = " ".join((done.stderr or done.stdout).split())
        remedy = "start it, or join the group that may use it, if you want to build images"
        return Finding("containers", title, "optional", f"{engine} does not answer ({said[:100]})", remedy)
    remedy = "install Docker or Podman if you want to build images for a cluster"
    return Finding("containers", title, "optional", "no container engine; a run on this machine needs none", remedy)


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB"
