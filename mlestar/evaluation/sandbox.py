"""The sandbox of a candidate: what a forked, warm process gives up before it runs code that nobody has read.

Three modes, from strong to weak; the server takes the first that the machine allows:

``namespaces``
    Own user, mount, process, network, IPC, UTS and cgroup namespaces. The file system is read-only and holds Python,
    its libraries and an empty scratch directory in memory; there is no network, and no other process to see, trace or
    signal. Killing the candidate kills all its descendants.
``landlock``
    For machines that refuse user namespaces to ordinary users or containers. Landlock takes away the file system and
    other processes, a seccomp filter the network and signals. What it cannot promise: descendants that left the session
    are found by walking the process tree, so they survive when the worker server itself is killed; the scratch
    directory is on disk, and files in it that were unlinked and are still open are limited one by one, not in total;
    names and sizes of mounted file systems, and the machine's load, stay visible.
``none``
    Resource limits, a deadline and a memory limit, and the seccomp filter where there is one. Every file of the user
    can be read: code that nobody has read must not run like this.

In all modes the environment is scrubbed by the server, a candidate is given data by descriptor, never by path, and a
seccomp filter denies what no model needs. Bubblewrap offers the same namespaces, but it can only start a new program,
which would import the modelling libraries again, for seconds per evaluation; a process that is forked warm has to
sandbox itself. What no mode closes are covert channels, such as load or timing, between candidates that run at the same
time and conspire.
"""

from __future__ import annotations

import logging
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from mlestar.evaluation import _landlock, _namespaces
from mlestar.evaluation._linux import drop_capabilities
from mlestar.evaluation._paths import DEVICES, VisiblePaths
from mlestar.evaluation._scratch import files_mb, remove_tree
from mlestar.evaluation._seccomp import deny_system_calls

__all__ = ["MODES", "SCRATCH_BYTES", "Mode", "Sandbox"]

Mode: TypeAlias = Literal["namespaces", "landlock", "none"]
MODES: tuple[Mode, ...] = get_args(Mode)

SCRATCH_BYTES = 1 << 30
"""What a candidate may write to its scratch directory."""

_OPEN_FILES = 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sandbox:
    """What the server prepared for all candidates.

    Attributes
    ----------
    mode : {"namespaces", "landlock", "none"}
    directory : Path
        Private to the server.
    paths : VisiblePaths
        What candidates may read.
    """

    mode: Mode
    directory: Path
    paths: VisiblePaths = field(default_factory=VisiblePaths.of_this_python, repr=False)

    @classmethod
    def prepare(cls, directory: Path, mode: Mode | None = None) -> Sandbox:
        """Take ``mode``, or the strongest that works here; each is tried in a child first.

        Parameters
        ----------
        directory : Path
            Private to the server; the root and the scratch directories are made in it.
        mode : {"namespaces", "landlock", "none"}, optional

        Raises
        ------
        OSError
            When the machine refuses the ``mode`` that was asked for.
        """
        for each in [mode] if mode else MODES:
            sandbox = cls(each, directory)
            if _succeeds(sandbox._try):
                sandbox._build()
                return sandbox
        raise OSError(f"this machine refuses the sandbox mode {mode!r}")

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """The working directory of one candidate, as the candidate will see it; removed at the end."""
        if self.mode == "namespaces":
            yield _namespaces.SCRATCH
            return
        path = Path(tempfile.mkdtemp(prefix="scratch-", dir=self.directory))
        try:
            yield path
        finally:
            remove_tree(path)

    def written_mb(self, scratch: Path, descriptor: int) -> float:
        """What a candidate has written to its scratch directory, in MB of 10^6 bytes.

        Parameters
        ----------
        scratch : Path
            From :meth:`scratch`.
        descriptor : int
            Of that directory as the candidate sees it.
        """
        if self.mode != "namespaces":
            return files_mb(scratch)
        system = os.fstatvfs(descriptor)
        return (system.f_blocks - system.f_bfree) * system.f_frsize / 1e6

    def detach(self) -> None:
        """To be called by the parent just before it forks the candidate, its next child."""
        if self.mode == "namespaces":
            _namespaces.detach()

    def enter(self, scratch: Path) -> None:
        """Give everything up, for good; afterwards ``scratch`` is the working directory."""
        os.setsid()
        _limit_resources()
        if self.mode == "namespaces":
            _namespaces.enter_root(self._root, SCRATCH_BYTES)
        os.chdir(scratch)
        drop_capabilities()
        if self.mode == "landlock":
            _landlock.restrict(self.paths.unmasked, self.paths.around, [scratch, *DEVICES])
        self._deny_system_calls()

    def remove(self) -> None:
        """Undo :meth:`prepare`, so that the directory can be removed; for the end of the server."""
        if self.mode == "namespaces":
            _namespaces.remove_root(self._root)

    def _deny_system_calls(self) -> None:
        if self.mode == "namespaces":
            deny_system_calls(own_namespaces=True, signals=False)
        elif self.mode == "landlock":
            deny_system_calls(own_namespaces=False, signals=not _landlock.scopes_signals())
        else:
            with suppress(OSError):  # what can be had
                deny_system_calls(own_namespaces=False, signals=True)

    @property
    def _root(self) -> Path:
        return self.directory / "root"

    def _build(self) -> None:
        if self.mode == "namespaces":
            self._root.mkdir(exist_ok=True)
            _namespaces.build_root(self._root, [*self.paths.readable, *DEVICES], self.paths.masked)

    def _try(self) -> None:
        self._build()
        with self.scratch() as scratch:
            self.detach()
            if not _succeeds(lambda: self.enter(scratch)):
                raise ChildProcessError(f"no candidate can enter the sandbox mode {self.mode!r}")


def _limit_resources() -> None:
    # Not RLIMIT_NPROC: it counts all processes of the user, and none of root's. The supervisor counts instead.
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: SCRATCH_BYTES, resource.RLIMIT_NOFILE: _OPEN_FILES}
    for kind, limit in limits.items():
        hard = resource.getrlimit(kind)[1]
        value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (value, value))


def _succeeds(function: Callable[[], None]) -> bool:
    """Whether a function raises nothing, in a child."""
    if child := os.fork():
        return os.waitpid(child, 0)[1] == 0
    try:
        function()
    except BaseException as error:  # this process must not return
        _log.warning("sandbox: %s", error)
        os._exit(1)
    os._exit(0)
