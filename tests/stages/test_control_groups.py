"""What a container allows a run to use."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlestar.stages import environment
from mlestar.stages.control_groups import cpu_limit, memory_left
from mlestar.stages.environment import cores, memory_available


def control_groups(root: Path, membership: str, files: dict[str, str]) -> Path:
    """A machine below ``root``, with files of its control groups."""
    for name, content in {
        "proc/self/cgroup": membership,
        **{f"sys/fs/cgroup/{name}": files[name] for name in files},
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_limits_of_control_groups_of_version_2(tmp_path: Path) -> None:
    files = {
        "user/job/cpu.max": "max 100000\n",
        "user/cpu.max": "150000 100000\n",
        "user/job/memory.max": "3000\n",
        "user/job/memory.current": "1000\n",
        "user/job/memory.stat": "active_file 50\ninactive_file 300\n",
        "user/memory.max": "max\n",
    }
    root = control_groups(tmp_path, "0::/user/job\n", files)
    assert (cpu_limit(root), memory_left(root)) == (1.5, 2300)


def test_limits_of_control_groups_of_version_1(tmp_path: Path) -> None:
    files = {
        "cpu,cpuacct/box/cpu.cfs_quota_us": "50000\n",
        "cpu,cpuacct/box/cpu.cfs_period_us": "100000\n",
        "memory/box/memory.limit_in_bytes": "4000\n",
        "memory/box/memory.usage_in_bytes": "500\n",
        "memory/memory.limit_in_bytes": "9223372036854771712\n",
    }
    root = control_groups(tmp_path, "4:memory:/box\n3:cpu,cpuacct:/box\n1:name=systemd:/box\n", files)
    assert (cpu_limit(root), memory_left(root)) == (0.5, 3500)


def test_limits_where_only_the_own_group_is_mounted_as_in_a_container(tmp_path: Path) -> None:
    root = control_groups(tmp_path, "0::/docker/4e5f\n", {"cpu.max": "200000 100000\n", "memory.max": "700\n"})
    assert (cpu_limit(root), memory_left(root)) == (2.0, 700)


def test_no_limits(tmp_path: Path) -> None:
    unlimited = {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}
    root = control_groups(tmp_path, "1:cpu:/\n", unlimited)
    assert (cpu_limit(root), memory_left(root)) == (None, None)
    assert (cpu_limit(tmp_path / "not Linux"), memory_left(tmp_path / "not Linux")) == (None, None)


def test_a_run_takes_no_more_cores_and_memory_than_its_container_has(monkeypatch: pytest.MonkeyPatch) -> None:
    free = memory_available()
    monkeypatch.setattr(environment, "cpu_limit", lambda: 0.5)
    monkeypatch.setattr(environment, "memory_left", lambda: 1000.0)
    assert (cores(), memory_available()) == (1, 1000.0)
    monkeypatch.setattr(environment, "cpu_limit", lambda: None)
    assert cores() >= 1 and free > 1000.0
