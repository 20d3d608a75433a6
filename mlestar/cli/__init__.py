"""The command line: ``mlestar init | run | predict | report | doctor | stage | compile | schema``."""

from __future__ import annotations

from mlestar.cli.app import main

__all__ = ["main"]
