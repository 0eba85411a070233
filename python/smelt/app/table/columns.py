"""Hands the columns of a frame to the kernels: text as a blob with lengths, the rest as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from smelt.app.table.frames import trim

_ROWS_AT_ONCE = 1 << 20


def to_columns(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Return the columns as the graph of a model takes them.

    Text becomes ``(name, "text", blob, lengths)``: UTF-8 bytes of all cells, trimmed, and the
    length of each (int64, -1 for no value); booleans are the texts ``true`` and ``false``.
    Numbers become ``(name, "number", values)`` (float64, NaN for no value); date-times are seconds
    since 1970 UTC.
    """
    # All columns at once: a call for each would cost more than the work for a wide table.
    frame = trim(frame.with_columns(pl.col(pl.Boolean).cast(pl.String)))
    text = frame.select(pl.col(pl.String))
    lengths = text.select(pl.all().str.len_bytes().cast(pl.Int64).fill_null(-1))
    blobs: dict[str, list[bytes]] = {name: [] for name in text.columns}
    for piece in text.iter_slices(_ROWS_AT_ONCE):
        for name, joined in piece.select(pl.all().str.join("")).row(0, named=True).items():
            blobs[name].append((joined or "").encode())
    numbers = _as_numbers(frame.select(pl.exclude(pl.String)))
    return [
        (name, "text", b"".join(blobs[name]), _array(lengths[name], np.int64))
        if name in blobs
        else (name, "number", _array(numbers[name], np.float64))
        for name in frame.columns
    ]


def number_array(column: pl.Series) -> np.ndarray:
    """Return a column of numbers or date-times as float64, NaN for null."""
    return _array(_as_numbers(column.to_frame())[column.name], np.float64)


def _as_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    seconds = pl.col(pl.Datetime).dt.timestamp("us") / 1e6
    return frame.with_columns(seconds).select(pl.all().cast(pl.Float64).fill_null(float("nan")))


def _array(column: pl.Series, kind: type) -> np.ndarray:
    return np.ascontiguousarray(column.to_numpy(), dtype=kind)
