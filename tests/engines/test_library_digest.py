"""What a finished stage is known by changes with whatever would have made another of it."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from mlestar.digests import library_digest


def test_another_version_of_a_modelling_library_is_another_library(monkeypatch: pytest.MonkeyPatch) -> None:
    before = library_digest()
    # Only another environment could show another version for real.
    monkeypatch.setattr("mlestar.digests.version", lambda name: "0.0.1" if name == "lightgbm" else version(name))
    library_digest.cache_clear()
    try:
        assert library_digest() != before
    finally:
        library_digest.cache_clear()
