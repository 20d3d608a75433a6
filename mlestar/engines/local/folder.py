"""The folder of a run: what is where, and whose it is."""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlestar.errors import MlestarError, StorageError, quoted
from mlestar.files import read_json, storage_error, write_json

__all__ = ["RunFolder"]

LOCK = "run.lock"
ROOM = 1 << 20  # bytes that a run which goes on needs at the least


@dataclass(frozen=True)
class RunFolder:
    """The paths inside the folder ``out`` (absolute) of a run.

    What a user wants stands on top; the outputs of the stages, which a rerun reuses, are under ``pipeline/``.
    """

    out: Path

    @property
    def record(self) -> Path:
        """``{scope}``: the spec of what was delivered last, resolved; before that, only its name."""
        return self.out / "run.json"

    @property
    def model(self) -> Path:
        return self.out / "model"

    @property
    def program(self) -> Path:
        return self.out / "solution.py"

    @property
    def tests(self) -> Path:
        """The tests of the program; they read :attr:`sample`."""
        return self.out / "test_solution.py"

    @property
    def tests_configuration(self) -> Path:
        """What lets pytest find :attr:`tests` once."""
        return self.out / "conftest.py"

    @property
    def sample(self) -> Path:
        return self.out / "sample.csv"

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
    def ending(self) -> Path:
        """``{finished}``, there from when a run is to end early: the cache entries of the stages that were done."""
        return self.out / "pipeline" / "ending.json"

    @property
    def events(self) -> Path:
        return self.out / "logs" / "events.jsonl"

    def log(self, name: str) -> Path:
        return self.out / "logs" / f"{name}.log"

    @contextlib.contextmanager
    def claimed(self, scope: Mapping[str, Any]) -> Iterator[None]:
        """Hold the folder for one run of a scope, of which ``name`` and ``task.target`` say whose it is.

        What runs that were killed have left of stages which they did not finish is removed first: nobody reads it.
        When the run ends in a :class:`MlestarError`, what it has left is removed: all of it where the folder is new and
        no stage was finished, unless the disk is to blame; else the outputs of the stages that were not.

        Raises
        ------
        MlestarError
            When the folder holds something else, belongs to a scope of another name or target, or is in use.
        """
        self._check_owner(scope)
        created = [path for path in (self.out, *self.out.parents) if not path.exists()]
        self.out.mkdir(parents=True, exist_ok=True)
        with (self.out / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"{self.out}: another run is using this folder; wait for it or name another with --out"
                raise MlestarError(message) from None
            is_new = not self.record.is_file()
            if is_new:
                self.record_scope({"name": scope["name"]})
            for folder in (self.artifacts, self.cache, self.events.parent):
                folder.mkdir(parents=True, exist_ok=True)
            self._forget_short_stages()  # of a run that was killed while it ended early
            self.discard_unused()
            try:
                yield
            except MlestarError as error:
                no_stage_was_finished = self.cache.is_dir() and not any(self.cache.iterdir())
                if is_new and no_stage_was_finished and not isinstance(error, StorageError):
                    self._clear(created)
                else:
                    self.discard_unused()
                raise
            finally:
                self._forget_short_stages()

    def end_early(self) -> None:
        """Have the stages end with the best so far; the next run goes on from those that are done by now."""
        write_json(self.ending, {"finished": sorted(path.name for path in self.cache.iterdir())})

    def _forget_short_stages(self) -> None:
        """Have the next run repeat the stages that a run which ended early cut short. What it delivered stays."""
        if self.ending.is_file():
            finished = read_json(self.ending)["finished"]
            for entry in self.cache.iterdir():
                if entry.name not in finished:
                    entry.unlink()
            self.ending.unlink()

    def record_scope(self, scope: dict[str, Any]) -> None:
        """Note whose the folder is, and what was delivered into it."""
        write_json(self.record, {"scope": scope})

    def _clear(self, created: Sequence[Path]) -> None:
        """Empty the folder and remove those that this run ``created``, the innermost first."""
        for path in self.out.iterdir():
            _remove(path)
        with contextlib.suppress(OSError):  # another run may have begun beside this one
            for folder in created:
                folder.rmdir()

    def discard_unused(self) -> None:
        """Remove what killed and failed tasks have left among the artifacts.

        That is all that neither a finished task nor the outputs of the last finished run refer to.
        """
        if not self.artifacts.is_dir():  # somebody has removed it
            return
        used = {Path(uri).resolve() for uri in self._used_artifacts()}
        _keep_only({artifact.parent for artifact in used}, self.artifacts.resolve())  # the folders of their tasks

    def refusal(self) -> StorageError | None:
        """Why a run cannot go on here, if it is because its folders are gone, full or not to be written to."""
        if not (self.artifacts.is_dir() and self.record.is_file()):  # tasks that still ran may have made folders anew
            return StorageError(f"{self.out}: was removed while a run used it; run the same command again")
        for place in (self.out, tempfile.gettempdir()):
            try:
                with tempfile.TemporaryFile(dir=place) as file:
                    file.write(bytes(ROOM))
            except OSError as error:
                return storage_error(error, place)
        return None

    def _used_artifacts(self) -> Iterator[str]:
        for entry in self.cache.glob("*.json"):
            for output in json.loads(entry.read_text(encoding="utf-8")).values():
                if isinstance(output, dict):
                    yield from (each["uri"] for each in output.get("artifacts", [output]) if "uri" in each)
        if self.outputs.is_file():
            outputs = read_json(self.outputs)
            yield from filter(None, (outputs[name] for name in ("scope", "model", "evidence", "final")))

    def changes(self, scope: Mapping[str, Any]) -> list[str]:
        """The fields in which a scope differs from that of what was delivered last; none where nothing was."""
        delivered = self._recorded()
        if delivered.keys() <= {"name"}:
            return []
        before, now = _flat(delivered), _flat(scope)
        return sorted(field for field in before.keys() | now.keys() if before.get(field) != now.get(field))

    def _recorded(self) -> Mapping[str, Any]:
        return read_json(self.record)["scope"] if self.record.is_file() else {}

    def _check_owner(self, scope: Mapping[str, Any]) -> None:
        if self.out.exists() and not self.out.is_dir():
            raise MlestarError(f"{self.out}: is a file; name a folder with --out")
        if owner := self._recorded():
            for field, what in (("name", "of"), ("task.target", "for the target")):
                theirs, ours = _flat(owner).get(field), _flat(scope)[field]
                if theirs not in (None, ours):
                    raise MlestarError(
                        f"{self.out}: holds a run {what} {quoted(theirs)}, not {what} {quoted(ours)}; "
                        "name another folder with --out"
                    )
        elif self.out.is_dir() and not all(map(self._is_beginning, self.out.iterdir())):
            raise MlestarError(f"{self.out}: is not empty and holds no run; name another folder with --out")

    def _is_beginning(self, path: Path) -> bool:
        """Whether a run has a file before it has its record; one that was killed then has left it."""
        return path.name == LOCK or path.name.startswith(f".{self.record.name}.")

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


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of nested mappings by their paths, such as ``task.target``."""
    found: dict[str, Any] = {}
    for name, value in content.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def _keep_only(used: Set[Path], folder: Path) -> None:
    """Remove the folders below ``folder`` that neither are nor hold one that is used."""
    around = {parent for path in used for parent in path.parents}
    for path in folder.iterdir():
        if path in around:
            _keep_only(used, path)
        elif path not in used:
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
