"""The examples of the documentation do what they say.

A page is a story: its examples happen in their order, in a folder.

- A fence with a title, such as ``yaml title="churn.yaml"``, is the content of that file.
- ``console`` is typed into a shell. Where output is shown, it is the output, but for numbers, blanks and ``...``.
- ``python`` without a title is executed, in a namespace of the page.
- Other fences are there to be read, but every scope spec among them is one, except for a ``title="wrong.yaml"``.

The front matter of a page says more: ``examples: slow`` for whole runs, ``continues: <page>`` to go on where that page
ended, in its folder.
"""

from __future__ import annotations

import doctest
import functools
import json
import os
import re
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from markdown_it import MarkdownIt

from mlestar.errors import SpecError
from mlestar.spec import parse_scope
from mlestar.spec.document import read_mapping

CHECKOUT = Path(__file__).parents[2]
DOCS = CHECKOUT / "docs"
EXECUTED = ("console", "python")


@dataclass(frozen=True)
class Example:
    """A fence of a page."""

    page: str
    line: int
    language: str
    title: str | None
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Page:
    """A file of the documentation."""

    name: str
    meta: dict[str, Any]
    examples: tuple[Example, ...]

    @property
    def executed(self) -> bool:
        return any(each.language in EXECUTED and not each.title for each in self.examples)


@functools.cache
def pages() -> dict[str, Page]:
    """README and all of docs/ by their paths from docs/."""
    paths = [*sorted(DOCS.rglob("*.md")), CHECKOUT / "README.md"]
    return {page.name: page for page in map(_page, paths)}


def _page(path: Path) -> Page:
    name = path.relative_to(DOCS).as_posix() if path.is_relative_to(DOCS) else f"../{path.name}"
    text = path.read_text(encoding="utf-8")
    front = re.match(r"---\n(.*?)\n---\n", text, flags=re.DOTALL)
    meta, offset = (yaml.safe_load(front[1]), front[0].count("\n")) if front else ({}, 0)
    fences = [token for token in MarkdownIt().parse(text[front.end() :] if front else text) if token.type == "fence"]
    return Page(name, meta, tuple(_example(name, fence.info, fence.content, fence.map[0] + offset) for fence in fences))


def _example(page: str, info: str, text: str, start: int) -> Example:
    language, _, options = info.partition(" ")
    title = re.search(r'title="([^"]+)"', options)
    return Example(page, start + 2, language, title[1] if title else None, text)


def specs() -> Iterator[Example]:
    """The scope specs that pages show."""
    for page in pages().values():
        yield from (each for each in page.examples if "apiVersion: mlestar/v1" in each.text and each.language == "yaml")


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder in which a page has happened; each happens once."""

    @functools.cache
    def folder(name: str) -> Path:
        page = pages()[name]
        before = page.meta.get("continues")
        place = folder(before) if before else tmp_path_factory.mktemp("page")  # a run is reused where it was made
        happen(page, place)
        return place

    return folder


def happen(page: Page, folder: Path) -> None:
    """Do what the page does."""
    namespace: dict[str, Any] = {"__name__": page.name}
    for example in page.examples:
        if example.title:
            path = folder / example.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(example.text, encoding="utf-8")
        elif example.language == "console":
            for command, output in commands(example.text):
                expect(example, command, output, folder)
        elif example.language == "python":
            code = "\n" * (example.line - 1) + example.text  # so that a traceback names the line of the page
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                exec(compile(code, str(DOCS / example.page), "exec"), namespace)


def commands(text: str) -> list[tuple[str, str]]:
    """Each command, which begins with ``$``, and the output that is shown below it."""
    parts = re.split(r"^\$ ((?:.*\\\n)*.*)\n?", text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"a console example begins with a command: {text}"
    return list(zip(parts[1::2], parts[2::2], strict=True))


def expect(example: Example, command: str, output: str, folder: Path) -> None:
    """Type a command; it must end well and say what is shown."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    ended = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{example.place}: {command}: exit status {ended.returncode}\n{ended.stdout}"
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if output.strip():
        said = doctest.OutputChecker().check_output(without_numbers(output), without_numbers(ended.stdout), flags)
        assert said, f"{example.place}: {command}: says\n{ended.stdout}\nwhere the page shows\n{output}"


def without_numbers(text: str) -> str:
    """Times and scores differ from machine to machine."""
    text = re.sub(r"\d+(?:[.,:]\d+)*(?:e[-+]\d+)?", "0", text)
    return re.sub(r"\[ +", "[", text).strip() + "\n"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(page.name, marks=[pytest.mark.slow] if page.meta.get("examples") == "slow" else [])
        for page in pages().values()
        if page.executed
    ],
)
def test_a_page_happens_as_it_says(name: str, folder_of: Callable[[str], Path]) -> None:
    folder_of(name)


@pytest.mark.parametrize("spec", list(specs()), ids=lambda spec: spec.place)
def test_specs_that_pages_show_are_what_the_loader_and_the_schema_take_them_for(spec: Example) -> None:
    schema = json.loads((CHECKOUT / "specs" / "scope.schema.json").read_text(encoding="utf-8"))
    content, _ = read_mapping(spec.text, spec.place)
    fits = jsonschema.Draft7Validator(schema).is_valid(content)
    if spec.title == "wrong.yaml":
        assert not fits
        with pytest.raises(SpecError):
            parse_scope(spec.text, spec.place)
    else:
        assert fits
        parse_scope(spec.text, spec.place)


def test_every_example_is_of_a_known_language() -> None:
    known = {*EXECUTED, "yaml", "toml", "text", "sh", "json", "diff"}
    strangers = [each.place for page in pages().values() for each in page.examples if each.language not in known]
    assert strangers == []
