"""The rows that features are fitted on: raw columns and their parsed values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from smelt import _smelt
from smelt.app.pipeline.features import parse
from smelt.app.pipeline.features.graph import GraphBuilder, RawColumns
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
    raw = dict(zip(frame.columns, source.raw, strict=True))
    builder = GraphBuilder()
    wanted: dict[str, Column] = {}
    for column in features:
        if column.role in ("number", "boolean"):
            wanted[parse.number(builder, column)] = column
        elif column.role == "datetime":
            wanted[parse.date_parts(builder, parse.seconds(builder, column))] = column
        elif column.role == "category":
            source.categories[column.name] = distinct(raw[column.name], column)
            names = source.categories[column.name]
            wanted[parse.category(builder, column, names, rare=True)] = column
        elif column.role == "text":
            source.texts[column.name] = frame[column.name]
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


def distinct(raw_column: tuple[Any, ...], column: Column) -> list[str]:
    """Return the categories as the graph sees them, the most frequent first, ties by name."""
    texts, counts = _smelt.model.count_values(raw_column, list(column.missing))
    order = np.lexsort((np.arange(len(texts)), -counts))  # the kernel sorts by name
    return [texts[i] for i in order[:MOST_CATEGORIES]]
