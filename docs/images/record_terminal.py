"""Draw docs/images/terminal.svg, a run in the middle, from a real one: python docs/images/record_terminal.py"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from mlestar.cli.live import LiveView
from mlestar.cli.view import TerminalView
from mlestar.spec import load_scope

SPEC = "specs/breast-cancer.yaml"
MOMENT = {"event": "evaluating", "stage": "refine", "step": 2, "branch": 1}
COLUMNS = 100


def main() -> None:
    """Follow a run until the moment, and draw what a terminal then shows."""
    checkout = Path(__file__).resolve().parents[2]
    budget = load_scope(checkout / SPEC).scope.budget
    console = Console(file=io.StringIO(), record=True, force_terminal=True, width=COLUMNS, height=40)
    console.print(f"$ mlestar run {SPEC}", highlight=False)
    table = LiveView("breast-cancer", time.monotonic(), seconds=budget.wall_clock, evaluations=budget.evaluations)
    view = TerminalView(console, table)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mlestar.cli", "run", SPEC, "--out", f"{folder}/run", "--json"]
        with subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                event = json.loads(line)
                if event["event"] == "outcome":
                    break
                view.apply(event)
                if MOMENT.items() <= event.items():
                    break
            console.print(table)
            process.terminate()
    drawn = console.export_svg(title="mlestar")
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)  # fonts that a browser would have to fetch
    (checkout / "docs" / "images" / "terminal.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
