"""The component of the stage ``finalize``."""

from mlestar.components.finalize.component import finalize

__all__ = ["finalize"]
