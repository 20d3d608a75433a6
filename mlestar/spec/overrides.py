"""Values of single fields, given on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlestar.errors import SpecError
from mlestar.spec.document import read_value
from mlestar.spec.source import Source

__all__ = ["apply_overrides"]


def apply_overrides(content: dict[str, Any], source: Source, overrides: Sequence[str]) -> Source:
    """Set fields of ``content`` in place, the later override winning.

    Parameters
    ----------
    content
        The document, not validated yet.
    source
        Where it was read from.
    overrides
        ``a.b=value``, the value in YAML; an empty one takes the field out.

    Returns
    -------
    Source
        ``source``, with the overrides as the places of what they set.

    Raises
    ------
    SpecError
        When an override is not of that form, or goes into something that has no keys.
    """
    lines, set_by = dict(source.lines), dict(source.overrides)
    for override in overrides:
        path, equals, text = override.partition("=")
        path = path.strip()
        if not equals or not path.isprintable() or not all(path.split(".")):
            raise SpecError(f"--set {override!r}: is not of the form field=value; write e.g. budget.wall_clock=60s")
        value, _ = read_value(text, f"--set {path}")
        section = content
        *parents, key = path.split(".")
        for depth, parent in enumerate(parents, start=1):
            inside = ".".join(parents[:depth])
            if section.get(parent) is None:
                section[parent] = {}
                set_by[inside] = path
            section = section[parent]
            if not isinstance(section, dict):
                raise SpecError(f"--set {path}: {inside} has no keys; set {inside} as a whole")
        for places in (lines, set_by):
            for stale in [known for known in places if known == path or known.startswith(f"{path}.")]:
                del places[stale]
        section[key] = value
        set_by[path] = path
    return Source(source.name, lines, set_by)
