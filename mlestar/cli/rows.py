"""Rows of labels and text: broken under themselves in a terminal, not broken elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["print_rows"]


def print_rows(console: Console, rows: Sequence[Sequence[Text]]) -> None:
    """Print rows of equal length, of which the last cell is the text.

    Parameters
    ----------
    console
        Where to print. Where nobody sees a terminal each row is one line, for programs that search lines.
    rows
        A line break in a text is kept in a terminal only.
    """
    if console.is_interactive:
        table = Table.grid(padding=(0, 1, 0, 0))
        for _ in rows[0][:-1]:
            table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print(table)
        return
    widths = [max(len(cell) for cell in column) for column in list(zip(*rows, strict=True))[:-1]]
    for *labels, text in rows:
        line = [label.plain.ljust(width) for label, width in zip(labels, widths, strict=True)]
        console.print(" ".join([*line, text.plain.replace("\n", " ")]), markup=False, soft_wrap=True)
