"""What a solution costs to fit, before anything was measured."""

from __future__ import annotations

from collections.abc import Mapping

from mlestar.data.task import Task
from mlestar.recipes.catalogue import find_recipe, knows_recipe
from mlestar.solution import Block, Solution

__all__ = ["static_cost"]

_UNKNOWN_BLOCK = 1.0


def static_cost(solution: Solution, task: Task) -> float:
    """Relative seconds that fitting a solution takes on all rows of a task, by the costs that its recipes declare."""
    return sum(_member_cost(member, task) for member in solution.members) * solution.fits


def _member_cost(member: Mapping[str, Block], task: Task) -> float:
    cost = 0.0
    for kind, block in member.items():
        cost += _block_cost(kind, block, task)
        task = _narrowed(kind, block, task)
    return cost


def _narrowed(kind: str, block: Block, task: Task) -> Task:
    """The task as the blocks after this one see it, which may keep some of the columns only."""
    if kind != "features" or not knows_recipe(kind, block.name):
        return task
    name = find_recipe(kind, block.name).narrows
    if not name or len(task.numeric) <= block.parameters[name]:
        return task
    left_out = set(task.numeric[block.parameters[name] :])
    return task.model_copy(update={"columns": tuple(each for each in task.columns if each.name not in left_out)})


def _block_cost(kind: str, block: Block, task: Task) -> float:
    if not knows_recipe(kind, block.name):
        return _UNKNOWN_BLOCK
    return find_recipe(kind, block.name).seconds(task, block.parameters)
