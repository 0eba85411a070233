"""The graph's first layer: raw columns become numbers, dates and category codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smelt.app.pipeline.features.graph import GraphBuilder
from smelt.app.table.schema import Column

DATE_PARTS = ("epoch_days", "year", "month", "day", "weekday", "day_of_year", "hour", "minute")


def raw(column: Column) -> str:
    """Return the name under which a raw column enters the graph."""
    return f"column:{column.name}"


def number(builder: GraphBuilder, column: Column) -> str:
    """Parse a number or boolean column: NaN where missing, 0 and 1 for false and true."""
    if column.role == "boolean":
        return builder.add(
            "parse_boolean",
            [raw(column)],
            name=column.name,
            missing=list(column.missing),
            true=list(column.true),
            false=list(column.false),
        )
    marks: dict[str, Any] = {}
    if column.thousands:
        marks["thousands"] = column.thousands
    if column.affixes:
        marks["affixes"] = list(column.affixes)
    return builder.add(
        "parse_number",
        [raw(column)],
        name=column.name,
        missing=list(column.missing),
        decimal=column.decimal,
        **marks,
    )


def seconds(builder: GraphBuilder, column: Column) -> str:
    """Parse a date: seconds since 1970 UTC, NaN where missing."""
    return builder.add(
        "parse_date",
        [raw(column)],
        name=column.name,
        missing=list(column.missing),
        formats=list(column.formats),
    )


def date_parts(builder: GraphBuilder, date: str, parts: Sequence[str] = DATE_PARTS) -> str:
    """Take the seconds of a date apart."""
    return builder.add("date_parts", [date], name=f"{date}.parts", parts=list(parts))


def category(
    builder: GraphBuilder, column: Column, categories: Sequence[str], *, rare: bool
) -> str:
    """Number the categories; all others share the code after the last.

    ``rare`` says that some categories of the training rows are among the others, so that one of
    them is no news at prediction.
    """
    return builder.add(
        "category_map",
        [raw(column)],
        name=f"{column.name}.code",
        missing=list(column.missing),
        rare=rare,
        strings={"categories": categories},
    )
