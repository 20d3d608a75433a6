"""The component of the stage ``validate``."""

from mlestar.components.validate.component import validate

__all__ = ["validate"]
