"""What the user probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from mlestar.errors import quoted

__all__ = ["did_you_mean", "did_you_mean_file"]

_LONGEST_WORD = 200  # comparing takes the square of the length


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Name the choice closest to ``word``, to be put at the end of an error message.

    Parameters
    ----------
    word
        What was written.
    choices
        What could have been meant; upper and lower case count as the same.

    Returns
    -------
    str
        ``"; did you mean 'roc_auc'?"``, or nothing when no choice is close.

    Examples
    --------
    >>> did_you_mean("rocauc", ["accuracy", "roc_auc"])
    "; did you mean 'roc_auc'?"
    >>> did_you_mean("price", ["accuracy", "roc_auc"])
    ''
    """
    folded = {choice.casefold(): choice for choice in choices if len(word) <= _LONGEST_WORD}
    close = difflib.get_close_matches(word.casefold(), folded, n=1)
    return f"; did you mean {quoted(folded[close[0]])}?" if close else ""


def did_you_mean_file(path: str | Path) -> str:
    """For a file that is not there: the name closest to its own in the same folder, or else to check the path."""
    path = Path(path)
    near = path.parent.glob("*") if path.parent.is_dir() else ()
    return did_you_mean(path.name, [other.name for other in near]) or "; check the path"
