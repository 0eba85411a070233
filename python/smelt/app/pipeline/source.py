"""The rows that features are fitted on: raw columns and their parsed values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from smelt.app.pipeline import parse
from smelt.app.pipeline.graph import GraphBuilder, RawColumns
from smelt.app.table.columns import to_columns
from smelt.app.table.schema import Column

MOST_CATEGORIES = 20_000  # of one column; rarer ones go to the common bin


@dataclass
class Source:
    """A table's rows, parsed once.

    Attributes
    ----------
    features : sequence of Column
        The columns a model may use.
    raw : list
        The raw columns as the graph takes them.
    numbers : dict of str to array of shape (n,)
        Numbers and booleans, NaN where missing.
    dates : dict of str to array of shape (n, n_parts)
    codes : dict of str to array of shape (n,)
        Number of each row's category in ``categories``; its length for any other, -1 for missing.
    categories : dict of str to list of str
    texts : dict of str to Series
    """

    features: Sequence[Column]
    n_rows: int
    raw: RawColumns
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    dates: dict[str, np.ndarray] = field(default_factory=dict)
    codes: dict[str, np.ndarray] = field(default_factory=dict)
    categories: dict[str, list[str]] = field(default_factory=dict)
    texts: dict[str, pl.Series] = field(default_factory=dict)


def make_source(frame: pl.DataFrame, features: Sequence[Column]) -> Source:
    """Parse the feature columns of a frame."""
    frame = frame.select([column.name for column in features])
    source = Source(features, frame.height, to_columns(frame))
    builder = GraphBuilder()
    wanted: dict[str, Column] = {}
    for column in features:
        if column.role in ("number", "boolean"):
            wanted[parse.number(builder, column)] = column
        elif column.role == "datetime":
            wanted[parse.date_parts(builder, parse.seconds(builder, column))] = column
        elif column.role == "category":
            source.categories[column.name] = distinct(frame[column.name], column)
            names = source.categories[column.name]
            wanted[parse.category(builder, column, names, rare=True)] = column
        elif column.role == "text":
            source.texts[column.name] = frame[column.name].cast(pl.String)
    if not wanted:
        return source
    for column, value in zip(wanted.values(), builder.run(source.raw, list(wanted)), strict=True):
        if column.role == "datetime":
            source.dates[column.name] = value
        elif column.role == "category":
            source.codes[column.name] = np.where(np.isnan(value), -1, value).astype(np.int64)
        else:
            source.numbers[column.name] = value
    return source


def distinct(series: pl.Series, column: Column) -> list[str]:
    """Return the categories as the graph sees them, the most frequent first, ties by name."""
    counts = series.drop_nulls().value_counts(name="n")
    name = counts.columns[0]
    values = counts[name]
    texts = (
        [number_text(v) for v in values] if values.dtype.is_numeric() else values.cast(pl.String)
    )
    missing = set(column.missing)
    ranked = sorted(
        ((text, n) for text, n in zip(texts, counts["n"], strict=True) if text not in missing),
        key=lambda pair: (-pair[1], pair[0]),
    )
    return [text for text, _ in ranked[:MOST_CATEGORIES]]


def number_text(value: float | int) -> str:
    """Write a number as the graph does when a category column holds numbers: ``3`` for 3.0."""
    if isinstance(value, int):
        return str(value)
    if value == 0:
        return "0"
    return np.format_float_positional(value, trim="-")
