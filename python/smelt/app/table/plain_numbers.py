"""Columns of nothing but plain numbers, all at once: a call for each would be slow when wide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from smelt.app.table.frames import trim
from smelt.app.table.numbers import PLAIN
from smelt.app.table.schema import TYPED_MISSING_MARKS, Column
from smelt.app.table.values import Numbers, Values

FEWEST_COLUMNS = 100  # below, a call for each column costs nothing that is felt
MOST_ROWS = 20_000  # above, the work in a column outweighs the call


def plain_numbers(frame: pl.DataFrame) -> dict[str, Numbers]:
    """Return what :func:`~smelt.app.table.values.read_numbers` says of columns where it is plain.

    Those are columns of a wide table whose every value is a finite number with a decimal point and
    without leading zeros; of the others, and of tables that are not wide, nothing is said.
    """
    if not _is_wide(frame):
        return {}
    numbers = frame.select(pl.col(pl.String).cast(pl.Float64, strict=False), *_typed(frame))
    if not numbers.width:
        return {}
    plain = numbers.select(pl.all().is_finite().fill_null(False).sum()).row(0, named=True)
    known = frame.select(pl.all().count()).row(0, named=True)
    text = frame.select(pl.col(pl.String).str.contains(r"^0\d").any())
    coded = text.row(0, named=True) if text.width else {}
    found = {}
    for name, n_plain in plain.items():
        if n_plain and n_plain == known[name] and not coded.get(name):
            found[name] = _count(numbers[name])
    return found


def _typed(frame: pl.DataFrame) -> list[pl.Expr]:
    names = [name for name, kind in frame.schema.items() if kind.is_numeric()]
    return [pl.col(name).cast(pl.Float64) for name in names]


def _is_wide(frame: pl.DataFrame) -> bool:
    return frame.width >= FEWEST_COLUMNS and frame.height <= MOST_ROWS


def _count(column: pl.Series) -> Numbers:
    values, counts = np.unique(column.drop_nulls().to_numpy(), return_counts=True)
    found = Values(
        pl.Series("value", values), pl.Series("count", counts), len(column), column.null_count()
    )
    return Numbers(found, PLAIN, TYPED_MISSING_MARKS, 0, 0, (), has_codes=False)


def parse_plain(frame: pl.DataFrame, columns: Sequence[Column]) -> dict[str, pl.Series]:
    """Return the numbers of a wide table's plain number columns, null where missing.

    The same values as :func:`~smelt.app.table.typed.numbers_of` gives for each.
    """
    if not _is_wide(frame):
        return {}
    kinds = frame.schema  # made anew at each call
    wanted = [
        column.name
        for column in columns
        if column.role == "number"
        and (column.decimal, column.thousands, column.affixes) == (".", "", ())
        and column.missing == TYPED_MISSING_MARKS
        and (kinds[column.name] == pl.String or kinds[column.name].is_numeric())
    ]
    if not wanted:
        return {}
    # No mark that means "missing" is a finite number, so that a cast is all it takes.
    numbers = trim(frame.select(wanted)).select(pl.all().cast(pl.Float64, strict=False))
    numbers = numbers.select(pl.when(pl.all().is_finite()).then(pl.all()))
    return {column.name: column for column in numbers.iter_columns()}
