"""The component of the stage ``ablate``."""

from mlestar.components.ablate.component import ablate

__all__ = ["ablate"]
