"""The packages that a run needs, and those that some data needs."""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from mlestar import __version__
from mlestar.cli.diagnosis.finding import Finding
from mlestar.digests import modelling_versions

__all__ = ["extra_finding", "library_finding", "openmp_finding"]

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_FOR_DEVELOPERS = "dev"
_OPENMP = "libgomp.so.1"


def library_finding() -> Finding:
    """The libraries that programs are made of, and whether all that mlestar requires is installed."""
    absent = [name for name, extra in _requirements() if not extra and _version(name) is None]
    if absent:
        remedy = f"{_pip()} install {' '.join(absent)}"
        return Finding("libraries", "Libraries", "fail", f"not installed: {', '.join(absent)}", remedy)
    found = [f"{name} {each}" for name, each in modelling_versions().items() if name != "python"]
    return Finding("libraries", "Libraries", "ok", ", ".join([f"mlestar {__version__}", *found]))


def extra_finding() -> Finding:
    """The optional packages."""
    needed: dict[str, list[str]] = {}
    for name, extra in _requirements():
        if extra and extra != _FOR_DEVELOPERS:
            needed.setdefault(extra, []).append(name)
    absent = [extra for extra, names in needed.items() if any(_version(name) is None for name in names)]
    if not absent:
        return Finding("extras", "Extras", "ok", f"all that there are: {', '.join(needed)}")
    listed = ", ".join(f"{name} ({extra})" for extra in absent for name in needed[extra])
    return Finding(
        "extras",
        "Extras",
        "optional",
        f"not installed: {listed}; only data or a store in such a bucket needs them",
        f"{_pip()} install {' '.join(name for extra in absent for name in needed[extra])}",
    )


def openmp_finding() -> Finding:
    """The OpenMP runtime, which no wheel of LightGBM brings along on Linux."""
    try:
        ctypes.CDLL(_OPENMP)
    except OSError:
        remedy = "install libgomp1 (Debian, Ubuntu: apt-get install libgomp1) or libgomp (Fedora: dnf install libgomp)"
        return Finding("openmp", "OpenMP", "fail", f"{_OPENMP} is not there, and LightGBM needs it", remedy)
    return Finding("openmp", "OpenMP", "ok", _OPENMP)


def _requirements() -> Iterator[tuple[str, str]]:
    """The names of the distributions that mlestar requires, each with the extra that asks for it, or nothing."""
    try:
        lines = requires("mlestar") or []
    except PackageNotFoundError:  # runs from a folder that is not installed
        return
    for line in lines:
        name, extra = _NAME.match(line), _EXTRA.search(line)
        if name:
            yield name.group(), extra.group(1) if extra else ""


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _pip() -> str:
    return f"{sys.executable} -m pip"
