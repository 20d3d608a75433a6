"""The STAR pipeline."""

from mlestar.pipelines.star.pipeline import build

__all__ = ["build"]
