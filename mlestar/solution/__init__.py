"""Solutions: readable code in named blocks, and the programs that they make."""

from mlestar.solution.blocks import KINDS, MEMBER_KINDS, REQUIRED_KINDS, Block, chain
from mlestar.solution.reading import read_program
from mlestar.solution.rendering import FIT_THREADS, render
from mlestar.solution.solution import Solution
from mlestar.solution.source import Module, meaning, requirements

__all__ = [
    "FIT_THREADS",
    "KINDS",
    "MEMBER_KINDS",
    "REQUIRED_KINDS",
    "Block",
    "Module",
    "Solution",
    "chain",
    "meaning",
    "read_program",
    "render",
    "requirements",
]
