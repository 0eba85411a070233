"""Tells whether the first line of a file is a header or already data."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl

_ROWS = 1000


def looks_like_data(names: list[str], frame: pl.DataFrame) -> str | None:
    """Return why the names look like a row of data, or None when they look like names.

    They look like data when every column of numbers has a number for a name (unless the names count
    up, as pixels or years do), or when most names occur as values in their own columns.
    """
    head = frame.head(_ROWS)
    text = head.select(pl.all().str.strip_chars())
    filled = head.height - np.array(text.null_count().row(0))
    no_number = np.array(text.select(pl.all().cast(pl.Float64, strict=False)).null_count().row(0))
    is_number = (filled > 0) & (no_number - (head.height - filled) <= 0.1 * filled)
    numbers = [name for name, number in zip(names, is_number, strict=True) if number]
    named_by_number = [name for name in numbers if _is_number(name)]
    occurs = text.select((pl.col(name) == name).any() for name in names).row(0)
    own_value = [
        name
        for name, number, seen in zip(names, is_number, occurs, strict=True)
        if seen and not number
    ]
    if numbers and len(named_by_number) == len(numbers) and not _counts_up(named_by_number):
        return f"{', '.join(map(repr, named_by_number[:3]))} are numbers over columns of numbers"
    n_text = len(names) - len(numbers)
    if not named_by_number and n_text >= 2 and len(own_value) > 0.5 * len(names):
        return f"{', '.join(map(repr, own_value[:3]))} occur as values in their own columns"
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _counts_up(names: list[str]) -> bool:
    """Tell whether numbers go up in equal steps, and are years or at least three."""
    values = [float(name) for name in names]
    steps = {b - a for a, b in pairwise(values)}
    years = all(1800 <= value <= 2200 for value in values)
    return len(steps) == 1 and min(steps) > 0 and (years or len(values) > 2)
