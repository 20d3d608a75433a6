"""What an import of the library brings with it, and where its packages come from."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest


def test_importing_mlestar_loads_the_standard_library_only() -> None:
    code = """
import json, sys
before = set(sys.modules)
import mlestar
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert set(json.loads(output)) - sys.stdlib_module_names == {"mlestar"}


@pytest.mark.parametrize("folder", ["components", "pipelines", "specs"])
def test_the_folders_of_the_checkout_are_subpackages(checkout: Path, folder: str) -> None:
    assert Path(str(files(f"mlestar.{folder}"))) == checkout / folder
