"""A solution: one model, or several and how they are combined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from mlestar.digests import digest
from mlestar.errors import SolutionError
from mlestar.solution.blocks import KINDS, MEMBER_KINDS, REQUIRED_KINDS, Block

__all__ = ["Solution"]


@dataclass(frozen=True)
class Solution:
    """Blocks that make one program.

    Parameters
    ----------
    members : tuple of {kind: Block}
        The models, each a mapping over :data:`~mlestar.solution.blocks.MEMBER_KINDS`.
    combine : Block or None
        Needed for more than one member.
    postprocess : Block or None
    fits : int
        How often each member is fitted, every time with another seed; the mean of their predictions is combined.
    """

    members: tuple[Mapping[str, Block], ...]
    combine: Block | None = None
    postprocess: Block | None = None
    fits: int = 1

    def __post_init__(self) -> None:
        for blocks in self.members:
            absent = [kind for kind in REQUIRED_KINDS if kind not in blocks]
            foreign = [kind for kind in blocks if kind not in MEMBER_KINDS]
            if absent or foreign:
                raise SolutionError(
                    f"a model needs {REQUIRED_KINDS} and may have {MEMBER_KINDS}, not {foreign or absent}"
                )
        if (len(self.members) != 1 or self.fits != 1) and self.combine is None:
            raise SolutionError(f"{len(self.members)} members, {self.fits} fits each, and no combine block")
        if self.fits != 1 and self.needs_out_of_fold:
            raise SolutionError(
                f"{self.fits} fits of each member, and a block that is fitted on out-of-fold predictions"
            )

    @classmethod
    def of(cls, blocks: Mapping[str, Block]) -> Solution:
        """A solution of one model; ``blocks`` may include postprocess."""
        members = {kind: blocks[kind] for kind in MEMBER_KINDS if kind in blocks}
        return cls((members,), blocks.get("combine"), blocks.get("postprocess"))

    @property
    def blocks(self) -> dict[str, Block]:
        """The blocks of a solution of one model, in the order in which they are applied."""
        if len(self.members) != 1:
            raise SolutionError(f"a solution of {len(self.members)} models has no single set of blocks")
        found = {**self.members[0], "combine": self.combine, "postprocess": self.postprocess}
        return {kind: block for kind in KINDS if (block := found.get(kind)) is not None}

    def replace(self, kind: str, block: Block | None) -> Solution:
        """This solution of one model with one block exchanged, or left out (None)."""
        blocks = {**self.blocks}
        if block is None:
            blocks.pop(kind, None)
        else:
            blocks[kind] = block
        return Solution.of(blocks)

    @property
    def first_level(self) -> tuple[Solution, ...]:
        """Each member as a solution of its own: what is fitted on the rows themselves."""
        return tuple(Solution((member,)) for member in self.members)

    @property
    def has_second_level(self) -> bool:
        """Whether anything is fitted on, or computed from, the members' predictions."""
        return self.combine is not None or self.postprocess is not None

    @property
    def needs_out_of_fold(self) -> bool:
        """Whether ``fit`` cross-fits the members."""
        return any(block.needs_out_of_fold for block in (self.combine, self.postprocess) if block)

    @property
    def needs_tables(self) -> bool:
        """Whether ``fit`` needs the auxiliary tables."""
        return any("tables" in block.asks_for for member in self.members for block in member.values())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the solution means."""
        parts = [{kind: block.digest for kind, block in member.items()} for member in self.members]
        second = [block.digest if block else None for block in (self.combine, self.postprocess)]
        return digest([parts, second] if self.fits == 1 else [parts, second, self.fits])

    @property
    def id(self) -> str:
        """The first 12 digits of the digest: the candidate's name in files."""
        return self.digest[:12]
