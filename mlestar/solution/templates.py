"""The templates that programs and their tests are rendered from."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import jinja2

from mlestar.solution.layout import literal

__all__ = ["template"]


@cache
def template(name: str) -> jinja2.Template:
    """A template of this package; its filter ``literal`` is :func:`mlestar.solution.layout.literal`."""
    environment = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters["literal"] = literal
    return environment.from_string((files("mlestar.solution") / name).read_text(encoding="utf-8"))
