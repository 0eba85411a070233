"""How many columns a table may have to be learned from; refused before it is read."""

from __future__ import annotations

from typing import Any

import polars as pl

from smelt.errors import DataError

MOST_COLUMNS = 20_000


def refuse_wide(n_columns: int, most: int | None = MOST_COLUMNS) -> None:
    """Raise when a table has more columns than can be learned from (``most`` None: never)."""
    if most is not None and n_columns > most:
        raise DataError(
            f"the table has {n_columns:,} columns; at most {most:,} can be learned from. "
            "Is it transposed (a row for each variable)? Else select columns first."
        )


def width_of(frame: Any) -> int:
    """Return the number of columns of a frame of any kind, or of a dict of columns."""
    if isinstance(frame, pl.LazyFrame):
        return len(frame.collect_schema())
    columns = frame if isinstance(frame, dict) else getattr(frame, "columns", ())
    return len(columns) if hasattr(columns, "__len__") else 0
