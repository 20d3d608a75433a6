"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the checkout."""
    return CHECKOUT


@pytest.fixture(scope="session")
def bench_data() -> Path:
    """The folder of real data sets: one folder per task, with ``train.csv`` and ``test.csv``.

    ``MLESTAR_BENCH_DATA`` names it; by default it is ``../shared/data``. Tests that use it skip where it is absent.
    """
    folder = Path(os.environ.get("MLESTAR_BENCH_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}; name their folder in MLESTAR_BENCH_DATA")
    return folder
