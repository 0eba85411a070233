"""Hands the columns of a frame to the kernels: text as a blob with lengths, the rest as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from smelt.app.table.frames import trimmed

_CELLS_AT_ONCE = 1 << 20


def to_columns(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Return the columns as the graph of a model takes them.

    Text becomes ``(name, "text", blob, lengths)``: UTF-8 bytes of all cells, trimmed, and the
    length of each (int64, -1 for no value); booleans are the texts ``true`` and ``false``.
    Numbers become ``(name, "number", values)`` (float64, NaN for no value); date-times are seconds
    since 1970 UTC.
    """
    return [_to_column(column) for column in frame.iter_columns()]


def _to_column(column: pl.Series) -> tuple[Any, ...]:
    if column.dtype == pl.Boolean:
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        blob, lengths = text_arrays(trimmed(column))
        return column.name, "text", blob, lengths
    return column.name, "number", number_array(column)


def text_arrays(column: pl.Series) -> tuple[bytes, np.ndarray]:
    """Return the UTF-8 bytes of all cells one after the other, and their lengths (-1 for null)."""
    lengths = column.str.len_bytes().cast(pl.Int64).fill_null(-1).to_numpy()
    pieces = [
        str(column.slice(start, _CELLS_AT_ONCE).str.join("").item() or "").encode()
        for start in range(0, len(column), _CELLS_AT_ONCE)
    ]
    return b"".join(pieces), np.ascontiguousarray(lengths, dtype=np.int64)


def number_array(column: pl.Series) -> np.ndarray:
    """Return a column of numbers or date-times as float64, NaN for null."""
    if column.dtype == pl.Datetime:
        column = column.dt.cast_time_unit("us").to_physical() / 1e6
    values = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return np.ascontiguousarray(values, dtype=np.float64)
