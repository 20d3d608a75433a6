"""What the doctor finds, and how it says what to do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mlestar.cli.diagnosis.control_groups import cpu_limit, memory_left
from mlestar.cli.diagnosis.disk import why_not_writable
from mlestar.cli.diagnosis.sandbox import namespace_remedy

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def test_machine_that_runs_these_tests_can_run(cli: Cli, tmp_path: Path) -> None:
    done = cli("doctor", "--json", "--store", "memory://evaluations", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    [line] = done.stdout.splitlines()
    outcome = json.loads(line)
    found = {each["id"]: each for each in outcome["findings"]}
    assert outcome["exit_status"] == 0
    assert {"system", "cores", "memory", "runs", "libraries", "openmp", "sandbox", "store", "extras"} <= set(found)
    assert "lightgbm" in found["libraries"]["summary"]
    assert found["runs"]["summary"].startswith(str(tmp_path / "runs"))
    assert found["store"]["summary"] == "memory://evaluations can be written and read"
    assert all(each["remedy"] for each in found.values() if each["status"] in ("warn", "fail"))
    assert list(tmp_path.iterdir()) == []


def test_what_makes_a_run_impossible_is_named_with_the_remedy(cli: Cli, tmp_path: Path) -> None:
    done = cli("doctor", "--out", "/proc/runs", "--store", "nowhere://evaluations", cwd=tmp_path)
    assert done.returncode == 2
    failed = [line for line in done.stdout.splitlines() if line.startswith("fail")]
    assert len(failed) == 2
    assert "/proc/runs cannot be written to" in failed[0] and "-> name a folder" in failed[0]
    assert "nowhere" in failed[1] and "-> check its name" in failed[1]
    assert done.stdout.splitlines()[-1] == "No run is possible: see Runs, Store."
    assert "\x1b" not in done.stdout


def test_folder_is_not_made_to_see_whether_it_could_be(tmp_path: Path) -> None:
    assert why_not_writable(tmp_path / "a" / "b") == ""
    assert list(tmp_path.iterdir()) == []


def machine(root: Path, files: dict[str, str]) -> Path:
    """The files of a machine below ``root``."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def control_groups(root: Path, membership: str, files: dict[str, str]) -> Path:
    return machine(root, {"proc/self/cgroup": membership} | {f"sys/fs/cgroup/{name}": files[name] for name in files})


def test_limits_of_control_groups_of_version_2(tmp_path: Path) -> None:
    files = {
        "user/job/cpu.max": "max 100000\n",
        "user/cpu.max": "150000 100000\n",
        "user/job/memory.max": "3000\n",
        "user/job/memory.current": "1000\n",
        "user/memory.max": "max\n",
    }
    root = control_groups(tmp_path, "0::/user/job\n", files)
    assert (cpu_limit(root), memory_left(root)) == (1.5, 2000)


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


@pytest.mark.parametrize(
    ("files", "remedy"),
    [
        ({"proc/sys/kernel/unprivileged_userns_clone": "0\n"}, "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
        (
            {
                "proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n",
                "proc/sys/user/max_user_namespaces": "9\n",
            },
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ({"proc/sys/user/max_user_namespaces": "0\n"}, "sudo sysctl -w user.max_user_namespaces=15000"),
        ({".dockerenv": ""}, "start the container with --security-opt seccomp=unconfined"),
        ({}, "allow user namespaces"),
    ],
)
def test_way_to_a_better_sandbox_depends_on_what_refuses_it(tmp_path: Path, files: dict[str, str], remedy: str) -> None:
    assert namespace_remedy(machine(tmp_path, files)).startswith(remedy)
