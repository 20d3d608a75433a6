"""The process that runs the compiled pipeline with kfp's local runner.

It is a process of its own because the runner takes over logging and ``print``, and because whoever started it can end
it, with every task that it has started, at any time.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from kfp import components, dsl, local

from mlestar.engines.compiling import compile_pipeline
from mlestar.files import write_json

__all__ = ["run_pipeline"]


def run_pipeline(
    *, compiled: Path, outer_steps: int, arguments: dict[str, Any], artifacts: Path, cache: Path, outputs: Path
) -> None:
    """Compile the pipeline and run it.

    Tasks run one process each, in this Python environment; nothing is installed. A task whose component, arguments and
    input artifacts are those of an earlier run is not run again.

    Parameters
    ----------
    compiled
        The YAML file to write and run.
    outer_steps
        Rounds of ablate and refine.
    arguments
        The pipeline's arguments.
    artifacts, cache
        Folders for the outputs of tasks, and for what is known about them.
    outputs
        JSON file to write: the pipeline's output parameters, the paths of its output artifacts, and the path of
        ``final`` (null when the model was refused).

    Raises
    ------
    RuntimeError
        When a task failed.
    """
    compile_pipeline(compiled, outer_steps)
    local.init(
        local.SubprocessRunner(use_venv=False),
        pipeline_root=str(artifacts),
        enable_caching=True,
        cache_root=str(cache),
    )
    task = components.load_component_from_file(str(compiled))(**arguments)
    found = {name: value.path if isinstance(value, dsl.Artifact) else value for name, value in task.outputs.items()}
    write_json(outputs, {**found, "final": _final_model(artifacts, found["evidence"])})


def _final_model(artifacts: Path, evidence: str) -> str | None:
    """The output of the finalize task that was given this verdict.

    KFP has no outputs of a branch that may not run, so it is found by what the component notes in its metadata.
    """
    for record in sorted(artifacts.glob("*/finalize/executor_output.json"), reverse=True):  # the latest first
        [final] = json.loads(record.read_text(encoding="utf-8"))["artifacts"]["final"]["artifacts"]
        if final["metadata"].get("verdict") == evidence:
            return str(final["uri"])
    return None


def _end_with_parent() -> None:
    """End this process and its tasks when standard input, a pipe from the parent, is closed."""
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)


def _name_python() -> None:
    """Have tasks find this Python as ``python3``.

    KFP writes its path in the place of "python3", wherever this stands: a space divides it, and paths of data change.
    """
    python = Path(sys.executable)
    if python.with_name("python3").exists():
        os.environ["PATH"] = f"{python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        sys.executable = "python3"


def _main() -> None:
    """Run the pipeline that one line of JSON on standard input asks for."""
    request = json.loads(sys.stdin.readline() or "null")
    if request is None:
        return
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(request["environment"])
    _name_python()
    run_pipeline(
        outer_steps=request["outer_steps"],
        arguments=request["arguments"],
        **{name: Path(request[name]) for name in ("compiled", "artifacts", "cache", "outputs")},
    )


if __name__ == "__main__":
    _main()
