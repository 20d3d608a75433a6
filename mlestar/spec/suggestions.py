"""What the user probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from mlestar.errors import quoted

__all__ = ["did_you_mean", "did_you_mean_file"]

_LONGEST_WORD = 200  # comparing takes the square of the length
_CLOSE, _CLOSE_FILE = 0.6, 0.8  # similarity from 0 to 1: of the files in a folder many are alike


def did_you_mean(word: str, choices: Iterable[str], *, close: float = _CLOSE) -> str:
    """Name the choice closest to ``word``, to be put at the end of an error message.

    Parameters
    ----------
    word
        What was written.
    choices
        What could have been meant; upper and lower case count as the same.
    close
        How alike the two have to be, from 0 to 1, as :mod:`difflib` measures it.

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
    found = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=close)
    return f"; did you mean {quoted(folded[found[0]])}?" if found else ""


def did_you_mean_file(path: str | Path) -> str:
    """For a file that is not there: the name closest to its own in the same folder, or else to check the path."""
    path = Path(path)
    near = path.parent.glob("*") if path.parent.is_dir() else ()
    return did_you_mean(path.name, [other.name for other in near], close=_CLOSE_FILE) or "; check the path"
