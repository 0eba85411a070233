"""The values of a column in the role it has: numbers, dates, words; what is missing is null."""

from __future__ import annotations

import polars as pl

from smelt.app.table.dates import parse_dates
from smelt.app.table.frames import trimmed
from smelt.app.table.numbers import NumberFormat, parse_numbers
from smelt.app.table.schema import Column, plain_number


def numbers_of(series: pl.Series, column: Column) -> pl.Series:
    """Return numbers, or dates as seconds since 1970 UTC; null where missing or invalid."""
    if series.dtype == pl.String:
        series = words_of(series, column)
        if column.role == "datetime":
            return parse_dates(series, column.formats).dt.timestamp("us") / 1e6
        form = NumberFormat(column.decimal, column.thousands, column.affixes)
        values = parse_numbers(series, form)
    elif series.dtype == pl.Datetime:
        values = series.dt.timestamp("us") / 1e6
    else:
        values = series.cast(pl.Float64)
    return values.set(~values.is_finite().fill_null(True), None)


def words_of(series: pl.Series, column: Column) -> pl.Series:
    """Return words as trimmed text, null where missing; numbers as people write them."""
    if series.dtype == pl.Boolean:
        return series.cast(pl.String)
    if series.dtype == pl.String:
        series = trimmed(series)
        return series.set(series.is_in(list(column.missing)), None)
    if series.dtype == pl.Datetime:
        return series.cast(pl.String)
    return number_words(series)


def number_words(series: pl.Series) -> pl.Series:
    """Write numbers as people do (22, not 22.0)."""
    values = series.cast(pl.Float64)
    distinct = values.drop_nulls().unique()
    return values.replace_strict(
        distinct, [plain_number(value) for value in distinct], default=None, return_dtype=pl.String
    )
