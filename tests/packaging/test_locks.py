"""The lock files hold what pyproject.toml asks for, by hash, and name no place to fetch it from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

EXTRAS = {"main.txt": ["s3", "gcs", "xgboost"], "dev.txt": ["dev", "xgboost"]}


def entries(checkout: Path, name: str) -> Iterator[tuple[Requirement, str]]:
    """Each pinned requirement of a lock file with the options that follow it."""
    lines = (checkout / "requirements" / name).read_text().splitlines()
    lines = [line for line in lines if not line.lstrip().startswith("#")]
    for entry in "\n".join(lines).replace("\\\n", " ").splitlines():
        pin, _, options = entry.partition(" --")
        yield Requirement(pin), f"--{options}"


@pytest.mark.parametrize("name", ["build.txt", *EXTRAS])
def test_every_entry_is_a_pin_with_hashes_and_nothing_else(checkout: Path, name: str) -> None:
    for requirement, options in entries(checkout, name):
        assert [specifier.operator for specifier in requirement.specifier] == ["=="]
        assert requirement.url is None
        assert all(option.startswith("--hash=sha256:") for option in options.split())


@pytest.mark.parametrize("name", EXTRAS)
def test_the_pins_satisfy_pyproject(checkout: Path, name: str) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    asked = [
        *project["dependencies"],
        *(line for extra in EXTRAS[name] for line in project["optional-dependencies"][extra]),
    ]
    pins = list(entries(checkout, name))
    for wanted in map(Requirement, asked):
        versions = [next(iter(pin.specifier)).version for pin, _ in pins if pin.name == wanted.name]
        assert versions, f"{name} has no {wanted.name}: run make lock"
        assert all(wanted.specifier.contains(version) for version in versions), f"{wanted}: run make lock"


def test_both_locks_pin_the_same_versions(checkout: Path) -> None:
    main, dev = ({(pin.name, str(pin.marker)): pin for pin, _ in entries(checkout, name)} for name in EXTRAS)
    differing = [str(dev[key]) for key in main.keys() & dev.keys() if main[key].specifier != dev[key].specifier]
    assert differing == []
