"""The component of the stage ``refine``."""

from mlestar.components.refine.component import refine

__all__ = ["refine"]
