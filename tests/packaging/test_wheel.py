"""The wheel, as a user installs it: built from a copy of the checkout, installed beside its dependencies alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PACKAGES = {
    "mlestar": "mlestar",
    "components": "mlestar/components",
    "pipelines": "mlestar/pipelines",
    "specs": "mlestar/specs",
}
NOT_SOURCE = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "runs", "tests")


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built without network."""
    folder = tmp_path_factory.mktemp("wheel")
    # A copy, because setuptools leaves build/ behind and puts what it finds there into the next wheel.
    shutil.copytree(checkout, folder / "checkout", ignore=NOT_SOURCE)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, folder / "checkout"]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Run a command of an environment that has the wheel and sees the dependencies of this one; returns its output."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", wheel]
    subprocess.run(pip, check=True, capture_output=True)
    # A .pth file adds a path but not the .pth files in it, so the editable install stays out of sight.
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))

    def run(command: str, *arguments: str) -> str:
        process = subprocess.run(
            [folder / "bin" / command, *arguments], cwd=folder, env={}, check=True, capture_output=True, text=True
        )
        return process.stdout

    return run


def test_the_wheel_holds_every_file_of_the_packages(checkout: Path, wheel: Path) -> None:
    expected = {
        f"{package}/{path.relative_to(checkout / folder).as_posix()}": path.read_bytes()
        for folder, package in PACKAGES.items()
        for path in (checkout / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    assert sorted(held) == sorted(expected)
    assert held == expected


def test_components_and_pipelines_are_imported_from_the_wheel(checkout: Path, installed: Callable[..., str]) -> None:
    code = """
import json, pkgutil, mlestar.components, mlestar.pipelines
found = []
for package in (mlestar.components, mlestar.pipelines):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        found.append(__import__(module.name, fromlist=["_"]).__file__)
print(json.dumps(found))
"""
    found = [Path(name) for name in json.loads(installed("python", "-c", code))]
    assert {path.parent.name for path in found if path.name == "component.py"} == {
        path.parent.name for path in checkout.glob("components/*/component.py")
    }
    assert {path.parent.name for path in found if path.name == "pipeline.py"} == {
        path.parent.name for path in checkout.glob("pipelines/*/pipeline.py")
    }
    assert not any(path.is_relative_to(checkout) for path in found)


def test_kfp_loads_the_components_of_the_wheel(checkout: Path, installed: Callable[..., str]) -> None:
    code = """
import json
from importlib.resources import files
from kfp import components
texts = [path.joinpath("component.yaml") for path in files("mlestar.components").iterdir()]
print(json.dumps([components.load_component_from_text(text.read_text()).name for text in texts if text.is_file()]))
"""
    names = json.loads(installed("python", "-c", code))
    assert len(names) == len(list(checkout.glob("components/*/component.yaml"))) > 0


def test_the_schema_of_the_scope_spec_is_installed(installed: Callable[..., str]) -> None:
    code = "from importlib.resources import files; print((files('mlestar.specs') / 'scope.schema.json').read_text())"
    schema = json.loads(installed("python", "-c", code))
    assert {"apiVersion", "kind", "data", "task"} <= schema["properties"].keys()


def test_the_console_script_speaks(installed: Callable[..., str]) -> None:
    assert "predict" in installed("mlestar", "--help")
