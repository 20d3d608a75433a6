"""The site builds without a warning, its links lead somewhere, and it asks no other host for anything."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.slow
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "object": "data"}


@dataclass
class Html(HTMLParser):
    """What a page links to, what it loads, and the anchors that it has."""

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := given.get(name))}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") not in ("canonical", "prev", "next") and given.get("href"):
            self.loaded.append(given["href"])
        elif tag in LOADED and given.get(LOADED[tag]):
            self.loaded.append(given[LOADED[tag]])


@pytest.fixture(scope="module")
def site(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def html(site: Path) -> dict[Path, Html]:
    """The pages, by their paths."""
    pages = {path.resolve(): Html() for path in site.rglob("*.html") if path.name != "404.html"}
    for path, page in pages.items():
        page.feed(path.read_text(encoding="utf-8"))
    return pages


def test_links_lead_to_pages_and_anchors_that_there_are(html: dict[Path, Html]) -> None:
    broken = []
    for path, page in html.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = html[target].anchors if target in html else set()
            if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in anchors):
                broken.append(f"{path.name}: {link}")
    assert broken == []


def test_nothing_is_loaded_from_another_host(site: Path, html: dict[Path, Html]) -> None:
    foreign = {each for page in html.values() for each in page.loaded if urlsplit(each).netloc}
    assert foreign == set()
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert not [found for text in styles for found in re.findall(r"url\(\s*['\"]?(?:https?:)?//[^)]*\)", text)]


def test_the_reference_has_every_field_command_and_stage(site: Path) -> None:
    fields = (site / "reference" / "spec.html").read_text(encoding="utf-8")
    assert all(f"<code>{name}</code>" in fields for name in ("wall_clock", "forbidden_features", "roc_auc", "overfit"))
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    assert all(f'id="mlestar-{name}"' in commands for name in ("init", "run", "predict", "stage"))
    stages = (site / "reference" / "api" / "stages.html").read_text(encoding="utf-8")
    assert all(f'id="mlestar.stages.{name}.{name}"' in stages for name in ("scope", "refine", "finalize"))
