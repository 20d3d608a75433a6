"""``python -m mlestar.cli``: the program, also where its script is not installed."""

from __future__ import annotations

from mlestar.cli.app import main

if __name__ == "__main__":
    main()
