"""The command line: ``mlestar run | stage | compile | report | predict | schema``."""

from __future__ import annotations

from mlestar.cli.app import main

__all__ = ["main"]
