"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Threads of OpenMP that wait for others sleep: where several processes share two cores, those that spin keep the others
# from working, and a fit of seconds takes a minute. Set before anything loads OpenMP, for programs of tests too.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

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
