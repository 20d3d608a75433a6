"""The container image that every component runs in."""

from __future__ import annotations

import os

from mlestar import __version__

__all__ = ["project_image"]


def project_image() -> str:
    """The project's image, or the one that ``MLESTAR_IMAGE`` in the environment names when components are compiled."""
    return os.environ.get("MLESTAR_IMAGE", f"ghcr.io/mlestar/mlestar:{__version__}")
