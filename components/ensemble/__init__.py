"""The component of the stage ``ensemble``."""

from mlestar.components.ensemble.component import ensemble

__all__ = ["ensemble"]
