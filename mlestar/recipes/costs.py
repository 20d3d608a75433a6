"""What a solution costs to fit, before anything was measured."""

from __future__ import annotations

from math import prod

from mlestar.data.task import Task
from mlestar.recipes.catalogue import find_recipe, knows_recipe
from mlestar.solution import Block, Solution

__all__ = ["static_cost"]

_UNKNOWN_BLOCK = 1.0


def static_cost(solution: Solution, task: Task) -> float:
    """Relative seconds that fitting a solution takes on all rows of a task, by the costs that its recipes declare."""
    once = sum(_block_cost(kind, block, task) for member in solution.members for kind, block in member.items())
    return once * solution.fits


def _block_cost(kind: str, block: Block, task: Task) -> float:
    if not knows_recipe(kind, block.name):
        return _UNKNOWN_BLOCK
    recipe = find_recipe(kind, block.name)
    factors = [
        (block.parameters[name] / recipe.defaults[name]) ** exponent
        for name, exponent in recipe.grows.items()
        if name in block.parameters
    ]
    return recipe.cost(task) * prod(factors)
