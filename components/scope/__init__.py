"""The component of the stage ``scope``."""

from mlestar.components.scope.component import scope

__all__ = ["scope"]
