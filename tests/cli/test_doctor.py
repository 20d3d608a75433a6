"""What the doctor finds, and how it says what to do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

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
def test_way_to_a_better_sandbox_depends_on_what_refuses_it(
    machine: Callable[[dict[str, str]], Path], files: dict[str, str], remedy: str
) -> None:
    assert namespace_remedy(machine(files)).startswith(remedy)
