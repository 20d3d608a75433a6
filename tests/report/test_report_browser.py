"""The report in a browser: no errors, tables that sort, nothing that runs off a phone."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlestar.report import Run, render

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE = 120.0  # seconds until a browser that says nothing is taken for dead
COLUMN = "Array.from(document.querySelectorAll('{table} tbody tr'), row => row.cells[{column}].dataset.sort)"
HEAD = "document.querySelectorAll('{table} thead th')[{column}]"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (Debian: apt-get install chromium)")
Read = Callable[[str], Run]


class Browser:
    """Chromium without a window, spoken to in its DevTools protocol over a pair of pipes."""

    def __init__(self, profile: Path) -> None:
        reads, self._to = os.pipe()
        self._from, writes = os.pipe()
        command = f'exec "$0" "$@" 3<&{reads} 4>&{writes}'  # where Chromium expects them
        self._process = subprocess.Popen(
            ["bash", "-c", command, str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(reads, writes),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(reads)
        os.close(writes)
        self._last, self._received = 0, b""
        self._session: dict[str, str] = {}
        self.complaints: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method and wait for its result."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters, **self._session}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._message()).get("id") != self._last:
            self._note(answer)
        assert "error" not in answer, answer["error"]
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, page: Path, width: int = 1200) -> None:
        """Load a page and wait until it is complete."""
        self.complaints.clear()
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.send("Page.navigate", url=page.as_uri())
        while (event := self._message()).get("method") != "Page.loadEventFired":
            self._note(event)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        found = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            assert select.select([self._from], [], [], PATIENCE)[0], "the browser does not answer"
            chunk = os.read(self._from, 1 << 16)
            assert chunk, "the browser has ended"
            self._received += chunk
        first, _, self._received = self._received.partition(b"\0")
        message: dict[str, Any] = json.loads(first)
        return message

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.complaints.append(json.dumps(event["params"]))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture
def page(read: Read, tmp_path: Path) -> Callable[[str], Path]:
    """The report on a run as a file."""

    def write(name: str) -> Path:
        path = tmp_path / f"{name}.html"
        path.write_text(render(read(name)), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "digits"])
def test_page_renders_without_a_complaint(browser: Browser, page: Callable[[str], Path], name: str) -> None:
    browser.open(page(name))
    assert browser.evaluate("document.querySelectorAll('section svg').length") > 4
    assert browser.evaluate("getComputedStyle(document.querySelector('section')).borderTopWidth") == "1px"
    assert browser.complaints == []


@pytest.mark.parametrize(("table", "column"), [("#search table.sortable", 4), ("#data table.sortable", 3)])
def test_tables_sort_both_ways(browser: Browser, page: Callable[[str], Path], table: str, column: int) -> None:
    browser.open(page("breast_cancer"))
    read, head = (text.format(table=table, column=column) for text in (COLUMN, HEAD))
    for click, direction in enumerate(("ascending", "descending")):
        browser.evaluate(f"{head}.querySelector('button').click()")
        values = [float(value) for value in browser.evaluate(read) if value]
        assert len(values) > 3
        assert values == sorted(values, reverse=bool(click))
        assert browser.evaluate(f"{head}.getAttribute('aria-sort')") == direction


def test_what_has_no_score_stays_last(browser: Browser, page: Callable[[str], Path]) -> None:
    browser.open(page("diabetes"))
    head, read = (text.format(table="#search table.sortable", column=4) for text in (HEAD, COLUMN))
    for _ in range(2):
        browser.evaluate(f"{head}.querySelector('button').click()")
        assert not browser.evaluate(read)[-1]


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "digits"])
def test_nothing_runs_off_a_phone(browser: Browser, page: Callable[[str], Path], name: str) -> None:
    browser.open(page(name), width=390)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
