"""The stages: pure functions over directories, and one way to run any of them by name."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlestar.errors import MlestarError
from mlestar.files import storage_error
from mlestar.progress import STAGES, emit
from mlestar.stages.environment import STAGE_SERVER

__all__ = ["STAGES", "run_stage"]


def run_stage(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Run a stage, in this process or, where a local run has started one, in the warm stage server.

    Parameters
    ----------
    name : str
        One of :data:`STAGES`.
    arguments : mapping
        The stage's keyword arguments; ``*_dir`` are paths, ``*_dirs`` lists of paths.

    Returns
    -------
    dict
        ``{"result": ...}``: what the stage returned; the verdict of validate, None otherwise.

    Raises
    ------
    MlestarError
        When the user must mend something.
    """
    if address := os.environ.get(STAGE_SERVER):
        from mlestar.stages.server import forward

        return forward(address, name, arguments)
    place = {"stage": name, "branch": arguments.get("branch"), "step": arguments.get("step")}
    started = time.monotonic()
    try:
        stage = _stage(name, arguments)
        emit("stage_started", **place)
        result = stage(**{key: _typed(key, value) for key, value in arguments.items()})
    except Exception as error:
        told = (storage_error(error) if isinstance(error, OSError) else None) or error
        with contextlib.suppress(OSError):  # the disk may be full; whoever runs the stage is told by what is raised
            emit("stage_failed", **place, error=type(told).__name__, message=str(told))
        if told is not error:
            raise told from error
        raise
    emit("stage_finished", **place, seconds=round(time.monotonic() - started, 3))
    return {"result": result}


def _stage(name: str, arguments: Mapping[str, Any]) -> Callable[..., Any]:
    if name not in STAGES:
        raise MlestarError(f"no stage {name!r}; the stages are {', '.join(STAGES)}")
    stage: Callable[..., Any] = getattr(importlib.import_module(f"mlestar.stages.{name}"), name)
    known = inspect.signature(stage).parameters
    if foreign := [key for key in arguments if key not in known]:
        raise MlestarError(f"stage {name}: no argument {foreign[0]!r}; it takes {', '.join(known)}")
    needed = [key for key, each in known.items() if each.default is inspect.Parameter.empty]
    if absent := [key for key in needed if key not in arguments]:
        raise MlestarError(f"stage {name}: argument {absent[0]!r} is missing")
    return stage


def _typed(key: str, value: Any) -> Any:
    if key.endswith("_dir"):
        return Path(value)
    return [Path(each) for each in value] if key.endswith("_dirs") else value
