"""Sums every column up, for the model file: what the report shows and drift is measured against."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from smelt.app.table.plain_numbers import parse_plain
from smelt.app.table.schema import Column, Schema
from smelt.app.table.typed import numbers_of, words_of

BINS = 64
MOST_CATEGORIES = 64


def column_profile(frame: pl.DataFrame, schema: Schema) -> list[dict[str, Any]]:
    """Return a summary of each column without the target, in the order of the schema.

    Numbers and dates (seconds since 1970 UTC): mean, standard deviation, range, the edges of 64
    bins with equally many rows, and the rows in each.  Categories and booleans: the most frequent
    values with their rows.  Text: as for numbers, of the number of characters, under ``length``.
    """
    plain = parse_plain(frame, schema.columns)
    return [
        profile(frame[column.name], column, plain.get(column.name)) for column in schema.columns
    ]


def target_profile(frame: pl.DataFrame, schema: Schema) -> dict[str, Any]:
    """Return the summary of the target."""
    summary = profile(frame[schema.target], schema.target_column)
    if schema.classes:
        pairs = zip(schema.classes, schema.class_counts, strict=True)
        summary["categories"] = [[label, count] for label, count in pairs][:MOST_CATEGORIES]
    return summary


def profile(series: pl.Series, column: Column, numbers: pl.Series | None = None) -> dict[str, Any]:
    """Return the summary of one column; ``numbers`` are its values where they are known."""
    summary: dict[str, Any] = {
        "name": column.name,
        "role": column.role,
        "n_missing": column.n_missing,
        "n_invalid": column.n_invalid,
        "n_unique": column.n_unique,
    }
    if column.role in ("number", "datetime"):
        summary |= _distribution(numbers_of(series, column) if numbers is None else numbers)
    elif column.role in ("category", "boolean"):
        summary["categories"] = _categories(words_of(series, column))
    elif column.role == "text":
        summary["length"] = _distribution(words_of(series, column).str.len_chars().cast(pl.Float64))
    return summary


def _distribution(values: pl.Series) -> dict[str, Any]:
    known = values.drop_nulls().to_numpy()
    if not len(known):
        return {"mean": None, "std": None, "min": None, "max": None, "edges": [], "counts": []}
    known = np.sort(known)
    edges = _quantiles(known)
    below = np.searchsorted(known, edges)
    below[-1] = len(known)  # the last bin holds its upper edge
    counts = np.diff(below)
    scale = max(abs(known[0]), abs(known[-1]), 1.0)  # no overflow in the squares
    return {
        "mean": float(np.mean(known / scale) * scale),
        "std": float(np.std(known / scale) * scale),
        "min": float(known[0]),
        "max": float(known[-1]),
        "edges": edges.tolist(),
        "counts": counts.tolist(),
    }


def _quantiles(known: np.ndarray) -> np.ndarray:
    """Return the edges of the bins; ``known`` is sorted.  A line joins neighbours."""
    place = np.linspace(0, len(known) - 1, BINS + 1)
    lower = place.astype(np.int64)
    share = place - lower
    upper = known[np.minimum(lower + 1, len(known) - 1)]
    edges = known[lower] * (1.0 - share) + upper * share
    return np.maximum.accumulate(edges)  # interpolation may be off by a rounding


def _categories(values: pl.Series) -> list[list[Any]]:
    counts = values.drop_nulls().alias("value").to_frame().group_by("value").len("count")
    top = counts.sort(["count", "value"], descending=[True, False]).head(MOST_CATEGORIES)
    return [[value, count] for value, count in top.iter_rows()]
