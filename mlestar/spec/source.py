"""Where in the user's text a field stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlestar.errors import SpecError, quoted

__all__ = ["Source", "readable"]

_LONGEST_PATH = 200


@dataclass(frozen=True)
class Source:
    """The text that a scope was read from, for errors that only later layers can find.

    Parameters
    ----------
    name
        Path of the file, or what else errors are to call it, as where a spec is handed on without its file.
    lines
        Line of each value, by its dotted path; empty for JSON.
    overrides
        The override that set a value, by the value's dotted path.

    Examples
    --------
    >>> source = Source("telco.yaml", {"task": 6, "task.metric": 8})
    >>> source.locate("task.metric"), source.locate("task.time"), source.locate("budget")
    ('telco.yaml:8', 'telco.yaml:6', 'telco.yaml')
    """

    name: str = "scope spec"
    lines: Mapping[str, int] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)

    def locate(self, path: str) -> str:
        """Place of a field: ``file:line``, of its section where it was left out, or ``--set`` where that set it."""
        known = self._nearest(path)
        if known in self.overrides:
            return f"--set {self.overrides[known]}"
        return f"{self.name}:{self.lines[known]}" if known in self.lines else self.name

    def line(self, path: str) -> int | None:
        """Line of a field, or of the section that it would stand in; None for what has no line."""
        known = self._nearest(path)
        return None if known in self.overrides else self.lines.get(known)

    def overridden(self, path: str) -> bool:
        """Whether an override set the field, or the section that it stands in."""
        return self._nearest(path) in self.overrides

    def error(self, path: str, message: str) -> SpecError:
        """An error about a field; ``message`` says what is wrong and ends with the remedy.

        Examples
        --------
        >>> print(Source("telco.yaml", {"task.metric": 8}).error("task.metric", "unknown metric 'auc'"))
        telco.yaml:8: task.metric: unknown metric 'auc'
        """
        place = self.locate(path)
        if place == f"--set {path}":
            return SpecError(f"{place}: {message}")
        return SpecError(f"{place}: {readable(path)}: {message}")

    def _nearest(self, path: str) -> str:
        """The field, or the closest section around it, that stands in the text or was set."""
        while path and path not in self.overrides and path not in self.lines:
            path = path.rpartition(".")[0]
        return path


def readable(path: str) -> str:
    """A dotted path for a message: quoted where a name in it would break the line, or is very long."""
    return path if path.isprintable() and len(path) <= _LONGEST_PATH else quoted(path)
