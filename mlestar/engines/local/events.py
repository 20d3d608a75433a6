"""Reading the events that the stages of a run append to a file."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["Events"]

_log = logging.getLogger(__name__)


class Events:
    """The events appended to ``path`` since this object was made."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._file = path.open("rb")
        self._file.seek(0, 2)
        self._rest = b""

    def new(self) -> Iterator[dict[str, Any]]:
        """The events that have come since the last call."""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:  # the disk was full in the middle of a line
                _log.warning("not an event: %s", line.decode(errors="replace"))

    def close(self) -> None:
        self._file.close()
