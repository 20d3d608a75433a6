"""The list of packages, which pyproject.toml cannot compute: three folders beside mlestar/ are its subpackages."""

from __future__ import annotations

from setuptools import find_packages, setup

subpackages = find_packages(include=["components*", "pipelines*", "specs*"])
setup(packages=[*find_packages(include=["mlestar*"]), *(f"mlestar.{name}" for name in subpackages)])
