"""Tables on disk: uncompressed Arrow files that a worker maps into memory instead of reading them."""

from __future__ import annotations

import mmap
import os
import threading
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["read_arrow", "write_arrow"]


def write_arrow(frame: pd.DataFrame, path: Path, rows: NDArray[np.bool_ | np.intp] | None = None) -> None:
    """Write a frame, without its index, so that ``path`` holds all of it or is unchanged.

    Parameters
    ----------
    frame : DataFrame
        As :func:`~mlestar.data.sources.typed` returns it.
    path : Path
        An Arrow IPC file of one record batch.
    rows : array of bool or int, optional
        The rows to write; all of them by default.
    """
    if rows is not None:
        frame = frame.iloc[rows]
    schema = pa.Schema.from_pandas(frame, preserve_index=False)
    batch = pa.record_batch([_array(frame[name]) for name in frame], schema=schema)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_native_id()}")
    try:
        with pa.OSFile(str(unfinished), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            writer.write_batch(batch)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_arrow(source: Path | int) -> pd.DataFrame:
    """Read a frame written by :func:`write_arrow`; numbers and strings stay in the mapped file.

    Parameters
    ----------
    source : Path or int
        The file, or a descriptor of it, which may be closed afterwards.

    Returns
    -------
    DataFrame
        With a RangeIndex. Its arrays cannot be written to. Where that is not known to suffice, hand on
        ``frame.copy(deep=False)`` and keep ``frame``: pandas then copies a column when it is first written to.
    """
    with ExitStack() as stack:
        descriptor = source if isinstance(source, int) else stack.enter_context(source.open("rb")).fileno()
        mapped = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    table = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapped))).read_all()
    # Threads would make a later fork unsafe; consolidated blocks would be copies.
    return table.to_pandas(use_threads=False, split_blocks=True)


def _array(column: pd.Series) -> pa.Array:
    if column.dtype == np.float64:
        # NaN stays NaN: as an Arrow null it would have to be copied to become NaN again.
        return pa.array(column.to_numpy(), from_pandas=False)
    array = pa.Array.from_pandas(column)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
