"""What a container allows a run to use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mlestar.stages import environment
from mlestar.stages.control_groups import cpu_limit, memory_left
from mlestar.stages.environment import cores, memory_available

VERSION_2 = {
    "user/job/cpu.max": "max 100000\n",
    "user/cpu.max": "150000 100000\n",
    "user/job/memory.max": "3000\n",
    "user/job/memory.current": "1000\n",
    "user/job/memory.stat": "active_file 50\ninactive_file 300\n",
    "user/memory.max": "max\n",
}
VERSION_1 = {
    "cpu,cpuacct/box/cpu.cfs_quota_us": "50000\n",
    "cpu,cpuacct/box/cpu.cfs_period_us": "100000\n",
    "memory/box/memory.limit_in_bytes": "4000\n",
    "memory/box/memory.usage_in_bytes": "500\n",
    "memory/memory.limit_in_bytes": "9223372036854771712\n",
}
CONTAINER = {"cpu.max": "200000 100000\n", "memory.max": "700\n"}  # only its own group is mounted
ALL = len(os.sched_getaffinity(0))
UNLIMITED = {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}


@pytest.mark.parametrize(
    ("membership", "files", "cpus", "free"),
    [
        pytest.param("0::/user/job\n", VERSION_2, 1.5, 2300, id="version 2"),
        pytest.param("4:memory:/box\n3:cpu,cpuacct:/box\n1:name=systemd:/box\n", VERSION_1, 0.5, 3500, id="version 1"),
        pytest.param("0::/docker/4e5f\n", CONTAINER, 2.0, 700, id="inside a container"),
        pytest.param("1:cpu:/\n", UNLIMITED, None, None, id="no limits"),
    ],
)
def test_limits_are_those_of_the_innermost_group_that_has_some(
    machine: Callable[[dict[str, str]], Path],
    membership: str,
    files: dict[str, str],
    cpus: float | None,
    free: float | None,
) -> None:
    groups = {f"sys/fs/cgroup/{name}": content for name, content in files.items()}
    root = machine({"proc/self/cgroup": membership, **groups})
    assert (cpu_limit(root), memory_left(root)) == (cpus, free)


def test_a_system_without_control_groups_has_no_limits(tmp_path: Path) -> None:
    assert (cpu_limit(tmp_path), memory_left(tmp_path)) == (None, None)


@pytest.mark.parametrize(("limit", "usable"), [(0.5, 1), (None, ALL), (1000.0, ALL)])
def test_a_run_takes_no_more_cores_than_its_container_has(
    monkeypatch: pytest.MonkeyPatch, limit: float | None, usable: int
) -> None:
    monkeypatch.setattr(environment, "cpu_limit", lambda: limit)
    assert cores() == usable


def test_a_run_takes_no_more_memory_than_its_container_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "memory_left", lambda: 1000.0)
    assert memory_available() == 1000.0
    monkeypatch.setattr(environment, "memory_left", lambda: None)
    assert memory_available() > 1000.0
