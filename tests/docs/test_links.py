"""The links of the files that are read outside the site."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from markdown_it import MarkdownIt


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_to_files_that_there_are(checkout: Path, name: str) -> None:
    tokens = MarkdownIt().parse((checkout / name).read_text(encoding="utf-8"))
    inline = [child for token in tokens for child in token.children or ()]
    links = [str(child.attrGet("href") or child.attrGet("src") or "") for child in inline]
    local = [path for link in links if (path := urlsplit(link).path) and not urlsplit(link).scheme]
    assert local
    assert [link for link in local if not (checkout / link).exists()] == []
