"""Completion in the shells: what their scripts ask the program, and what it answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "mlestar.cli"]


def asked(shell: str, line: str) -> list[str]:
    """What the program answers to a shell in which this line was written so far."""
    words = line.split(" ")
    asking = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    environment = {**os.environ, **asking, "_MLESTAR_COMPLETE": f"complete_{shell}"}
    done = subprocess.run(PROGRAM, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mlestar ru", ["run"]),
        ("mlestar run --un", ["--unblessed"]),
        ("mlestar doctor --st", ["--store"]),
        ("mlestar stage va", ["validate"]),
        ("mlestar run chu", []),
    ],
)
def test_bash_completes_commands_options_and_stages_and_leaves_files_to_itself(line: str, expected: list[str]) -> None:
    assert asked("bash", line) == expected


def test_zsh_and_fish_show_what_each_is_for() -> None:
    assert any('"doctor":"Say what this machine can' in line for line in asked("zsh", "mlestar do"))
    assert asked("fish", "mlestar do")[0].startswith("doctor\tSay what this machine can")


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_script_that_is_shown_completes_in_bash(tmp_path: Path) -> None:
    program = tmp_path / "mlestar"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m mlestar.cli "$@"\n')
    program.chmod(0o755)
    session = """
        eval "$(mlestar --show-completion)"
        COMP_WORDS=(mlestar pre) COMP_CWORD=1
        _mlestar_completion mlestar
        echo "${COMPREPLY[@]}"
        complete -p mlestar
    """
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", session], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["predict", "complete -o default -F _mlestar_completion mlestar"]
