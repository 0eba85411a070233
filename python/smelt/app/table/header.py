"""Tells whether the first line of a file is a header or already data."""

from __future__ import annotations

from itertools import pairwise

import polars as pl

_ROWS = 1000


def looks_like_data(names: list[str], frame: pl.DataFrame) -> str | None:
    """Return why the names look like a row of data, or None when they look like names.

    They look like data when every column of numbers has a number for a name (unless the names count
    up, as pixels or years do), or when most names occur as values in their own columns.
    """
    numbers, named_by_number = [], []
    own_value = []
    for name, column in zip(names, frame.head(_ROWS).iter_columns(), strict=True):
        values = column.drop_nulls()
        if not len(values):
            continue
        if values.str.strip_chars().cast(pl.Float64, strict=False).null_count() <= 0.1 * len(
            values
        ):
            numbers.append(name)
            if _number(name) is not None:
                named_by_number.append(name)
        elif name in values:
            own_value.append(name)
    if numbers and len(named_by_number) == len(numbers) and not _counts_up(named_by_number):
        return f"{', '.join(map(repr, named_by_number[:3]))} are numbers over columns of numbers"
    n_text = len(names) - len(numbers)
    if not named_by_number and n_text >= 2 and len(own_value) > 0.5 * len(names):
        return f"{', '.join(map(repr, own_value[:3]))} occur as values in their own columns"
    return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _counts_up(names: list[str]) -> bool:
    values = [float(name) for name in names]
    return len(values) > 1 and all(b > a for a, b in pairwise(values))
