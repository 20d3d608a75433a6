"""The component of the stage ``search``."""

from mlestar.components.search.component import search

__all__ = ["search"]
