"""The folder of a run: what is where, and whose it is."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlestar.errors import MlestarError
from mlestar.files import read_json, write_json

__all__ = ["RunFolder"]

LOCK = "run.lock"


@dataclass(frozen=True)
class RunFolder:
    """The paths inside the folder ``out`` (absolute) of a run.

    What a user wants stands on top; the outputs of the stages, which a rerun reuses, are under ``pipeline/``.
    """

    out: Path

    @property
    def record(self) -> Path:
        """``{scope}``: the spec that ran last, resolved."""
        return self.out / "run.json"

    @property
    def model(self) -> Path:
        return self.out / "model"

    @property
    def program(self) -> Path:
        return self.out / "solution.py"

    @property
    def report(self) -> Path:
        return self.out / "report.html"

    @property
    def predictions(self) -> Path:
        return self.out / "predictions.csv"

    @property
    def store(self) -> Path:
        return self.out / "store"

    @property
    def compiled(self) -> Path:
        return self.out / "pipeline" / "pipeline.yaml"

    @property
    def artifacts(self) -> Path:
        """The pipeline root: a folder per run of the pipeline, in it one per task."""
        return self.out / "pipeline" / "artifacts"

    @property
    def cache(self) -> Path:
        return self.out / "pipeline" / "cache"

    @property
    def outputs(self) -> Path:
        """``{verdict, score, scope, model, evidence, final}``: what the last pipeline that ended well returned."""
        return self.out / "pipeline" / "outputs.json"

    @property
    def scratch(self) -> Path:
        """Files of the folds, for the time of a run. They may be large, and a temporary folder may be memory."""
        return self.out / "pipeline" / "scratch"

    @property
    def events(self) -> Path:
        return self.out / "logs" / "events.jsonl"

    def log(self, name: str) -> Path:
        return self.out / "logs" / f"{name}.log"

    @contextlib.contextmanager
    def claimed(self, scope: dict[str, Any]) -> Iterator[None]:
        """Hold the folder for one run of ``scope``.

        Raises
        ------
        MlestarError
            When the folder holds something else, belongs to a scope of another name, or is in use.
        """
        self._check_owner(scope["name"])
        self.out.mkdir(parents=True, exist_ok=True)
        with (self.out / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"{self.out}: another run is using this folder; wait for it or name another with --out"
                raise MlestarError(message) from None
            write_json(self.record, {"scope": scope})
            for folder in (self.artifacts, self.cache, self.events.parent):
                folder.mkdir(parents=True, exist_ok=True)
            yield

    def _check_owner(self, name: str) -> None:
        if self.out.exists() and not self.out.is_dir():
            raise MlestarError(f"{self.out}: is a file; name a folder with --out")
        if self.record.is_file():
            owner = read_json(self.record)["scope"]["name"]
            if owner != name:
                raise MlestarError(
                    f"{self.out}: holds a run of {owner!r}, not of {name!r}; name another folder with --out"
                )
        elif self.out.is_dir() and any(path.name != LOCK for path in self.out.iterdir()):
            raise MlestarError(f"{self.out}: is not empty and holds no run; name another folder with --out")

    def finished(self) -> dict[str, Any]:
        """The outputs of the last run that came to its end.

        Raises
        ------
        MlestarError
            When there was none.
        """
        if not self.outputs.is_file():
            raise MlestarError(f"{self.out}: holds no finished run; name the folder that `mlestar run` wrote")
        return read_json(self.outputs)
