"""Looks for what would spoil a model: leaks, identifiers, copies of rows, rare classes, …"""

from __future__ import annotations

import math

import polars as pl

from smelt.app.table.leakage import leakage_warnings
from smelt.app.table.schema import Column, DataWarning, Schema

FEW_ROWS = 100
RARE_CLASS = 10
MOSTLY_MISSING = 0.9
DUPLICATES = 0.01


def check_data(frame: pl.DataFrame, schema: Schema) -> list[DataWarning]:
    """Return what a person should know before trusting a model of this table."""
    found = [*leakage_warnings(frame, schema)]
    for column in schema.columns:
        found += _column_warnings(column, schema)
    found += _target_warnings(schema)
    found += _row_warnings(frame, schema)
    return found


def _percent(part: int, whole: int) -> str:
    share = 100 * part / whole
    return f"{share:.2g} %" if share < 10 else f"{share:.0f} %" if part < whole else "100 %"


def _column_warnings(column: Column, schema: Schema) -> list[DataWarning]:
    name, n_rows = column.name, schema.n_rows
    found = []

    def warn(code: str, message: str, advice: str) -> None:
        found.append(DataWarning(code, name, message, advice))

    if column.role == "ignored":
        return found
    if column.role == "identifier":
        warn(
            "identifier",
            f"{name!r} looks like an identifier ({column.reason}); it is left out.",
            "If it does describe the row, give it the role it has.",
        )
        return found
    if column.n_missing == n_rows:
        warn(
            "all_missing",
            f"{name!r} has no value in any row; it is left out.",
            "Remove the column, or mend how it is exported.",
        )
        return found
    if column.role == "constant":
        warn(
            "constant",
            f"{name!r} has the same value in every row; it is left out.",
            "Remove the column, or check whether the table is a part of a larger one.",
        )
        return found
    if column.n_invalid:
        listed = ", ".join(map(repr, column.invalid_examples[:3]))
        infinite = all(text in ("inf", "-inf") for text in column.invalid_examples)
        warn(
            "infinite_values" if infinite else "stray_values",
            f"{name!r} is a {column.role}, but {column.n_invalid} of {n_rows} rows hold something "
            f"else ({listed}); they count as missing.",
            "Mend these cells, or give the column another role.",
        )
    if column.n_missing > MOSTLY_MISSING * n_rows:
        warn(
            "mostly_missing",
            f"{name!r} has a value in {n_rows - column.n_missing} of {n_rows} rows only.",
            "That it is missing is used as information; make sure it will be so at prediction too.",
        )
    if column.role == "datetime":
        warn(
            "datetime",
            f"{name!r} holds dates ({column.reason.removeprefix('dates ')}).",
            "If the model will predict later rows than those it learns from, a random test part "
            "flatters it; test on the latest rows.",
        )
    return found


def _target_warnings(schema: Schema) -> list[DataWarning]:
    name, column = schema.target, schema.target_column
    found = []
    absent = column.n_missing + column.n_invalid
    if absent:
        listed = ", ".join(map(repr, column.invalid_examples[:3]))
        what = f" ({column.n_invalid} of them hold something else: {listed})" if listed else ""
        found.append(
            DataWarning(
                "target_missing",
                name,
                f"the target {name!r} has no value in {absent} of {schema.n_rows} rows "
                f"({_percent(absent, schema.n_rows)}){what}; these rows are left out.",
                "Check that they are not missing for a reason that matters.",
            )
        )
    rare = [
        (label, count)
        for label, count in zip(schema.classes, schema.class_counts, strict=True)
        if count < RARE_CLASS
    ]
    if rare:
        listed = ", ".join(f"{label!r} ({count})" for label, count in rare[:5])
        found.append(
            DataWarning(
                "rare_class",
                name,
                f"{len(rare)} of the {len(schema.classes)} classes of {name!r} have fewer than "
                f"{RARE_CLASS} rows: {listed}{' …' if len(rare) > 5 else ''}.",
                "They can hardly be learned or tested; get more rows, or join classes.",
            )
        )
    return found


def _row_warnings(frame: pl.DataFrame, schema: Schema) -> list[DataWarning]:
    found = []
    known = schema.n_rows - schema.target_column.n_missing - schema.target_column.n_invalid
    if known < FEW_ROWS:
        found.append(
            DataWarning(
                "few_rows",
                None,
                f"only {known} rows can be learned from.",
                "The figures of the report are uncertain; look at their intervals.",
            )
        )
    elif len(schema.features) > known:
        found.append(
            DataWarning(
                "wide",
                None,
                f"there are {len(schema.features)} columns to learn from, but only {known} rows.",
                "A model may find patterns that are chance; trust the test part only.",
            )
        )
    n_copies = _copies(frame, schema)
    if n_copies >= DUPLICATES * frame.height:
        found.append(
            DataWarning(
                "duplicates",
                None,
                f"{n_copies} of {frame.height} rows ({_percent(n_copies, frame.height)}) are exact "
                "copies of another row.",
                "A copy in both the training and the test part makes the figures too good; remove "
                "copies that are mistakes.",
            )
        )
    return found


def _copies(frame: pl.DataFrame, schema: Schema) -> int:
    """Rows that equal an earlier one, identifiers aside; 0 where so few values make it normal."""
    columns = [c for c in (*schema.columns, schema.target_column) if c.role != "identifier"]
    combinations = math.prod(max(1, column.n_unique) for column in columns[:64])
    if combinations <= 10 * frame.height and all(column.role != "text" for column in columns):
        return 0
    rows = frame.select(column.name for column in columns)
    return frame.height - rows.hash_rows().n_unique()
