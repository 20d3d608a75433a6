"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("mlestar", deadline=None)  # how long an example takes is no matter of tests
settings.load_profile("mlestar")

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the checkout."""
    return CHECKOUT


@pytest.fixture
def machine(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """``machine(files)``: the root of a machine that has these files, by their paths from it."""

    def make(files: dict[str, str]) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return make


@pytest.fixture(scope="session")
def bench_data() -> Path:
    """The folder of real data sets: one folder per task, with ``train.csv`` and ``test.csv``.

    ``MLESTAR_BENCH_DATA`` names it; by default it is ``../shared/data``. Tests that use it skip where it is absent.
    """
    folder = Path(os.environ.get("MLESTAR_BENCH_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}; name their folder in MLESTAR_BENCH_DATA")
    return folder
