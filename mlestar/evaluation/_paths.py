"""What a candidate may see of the file system: Python and its libraries, without the data sets that libraries bundle.

Data often lies beside an environment (``project/.venv``, or ``project`` itself), so directories are picked narrowly.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DEVICES", "VisiblePaths"]

DEVICES = tuple(map(Path, ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")))

_SYSTEM = (
    *("/bin", "/lib", "/lib32", "/lib64", "/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib"),
    *("/usr/share/zoneinfo", "/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime"),
)
_LIBRARIES = ("site-packages", "dist-packages")
_BUNDLED_DATA = ("sklearn/datasets/data", "sklearn/datasets/tests")


@dataclass(frozen=True)
class VisiblePaths:
    """Files and directories, looked up once.

    Attributes
    ----------
    readable : tuple of Path
        What Python needs, parents first; links stand beside what they lead to.
    masked : tuple of Path
        Directories below them that hold the labels of well-known tasks.
    unmasked : tuple of Path
        For a sandbox that can only allow: the largest parts of the readable paths that hold nothing masked.
    around : tuple of Path
        The directories that were taken apart for that.
    """

    readable: tuple[Path, ...]
    masked: tuple[Path, ...]
    unmasked: tuple[Path, ...]
    around: tuple[Path, ...]

    @classmethod
    def of_this_python(cls) -> VisiblePaths:
        """What the running interpreter, and processes forked from it, need."""
        readable = _readable_paths()
        masked = _masked_paths(readable)
        parts = [_split(path, masked) for path in readable]
        unmasked, around = (tuple(path for part in parts for path in part[side]) for side in (0, 1))
        return cls(tuple(readable), tuple(masked), unmasked, around)


def _readable_paths() -> list[Path]:
    named = {*map(Path, _SYSTEM), Path(sys.base_prefix) / "lib"}
    named |= {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    named |= {Path(entry) for entry in sys.path if Path(entry).name in _LIBRARIES}
    named |= {Path(prefix) / name for prefix in (sys.prefix, sys.base_prefix) for name in ("bin", "pyvenv.cfg")}
    paths = {path for path in named | {path.resolve() for path in named} if path.exists()}
    return sorted(paths, key=lambda path: (len(path.parts), path))


def _masked_paths(readable: Sequence[Path]) -> list[Path]:
    places = ("", *(f"{folder}/" for folder in _LIBRARIES), *(f"python3*/{folder}/" for folder in _LIBRARIES))
    patterns = [place + data for place in places for data in _BUNDLED_DATA]
    return sorted({found for path in readable if path.is_dir() for pattern in patterns for found in path.glob(pattern)})


def _split(path: Path, masked: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    if path in masked:
        return [], []
    within = [each for each in masked if each.is_relative_to(path)]
    if not within:
        return [path], []
    whole: list[Path] = []
    around = [path]
    for child in path.iterdir():
        more_whole, more_around = _split(child, within)
        whole += more_whole
        around += more_around
    return whole, around
