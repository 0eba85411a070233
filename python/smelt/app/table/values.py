"""The distinct values of a column with their counts: what all inference works on."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import polars as pl

from smelt.app.table.numbers import PLAIN, NumberFormat, find_format, parse_numbers
from smelt.app.table.schema import TYPED_MISSING_MARKS, plain_number

# So many texts may not fit (and one of twenty or more) before they speak against a role.
STRAY_SHARE = 0.01
_EXAMPLES = 5
_MANY = 1_000  # values up to which plain Python is quicker than a query


@dataclass(frozen=True)
class Values:
    """Distinct values and how often each occurs, in the order in which they first occur."""

    values: pl.Series
    counts: pl.Series
    n_rows: int
    n_missing: int

    @classmethod
    def of(cls, column: pl.Series) -> Values:
        """Count a whole column; null is missing."""
        grouped = (
            column.alias("value").to_frame().group_by("value", maintain_order=True).len("count")
        )
        n_missing = column.null_count()
        grouped = grouped.filter(pl.col("value").is_not_null()) if n_missing else grouped
        return cls(grouped["value"], grouped["count"], len(column), n_missing)

    @property
    def n_valid(self) -> int:
        """Rows that have a value."""
        return self.n_rows - self.n_missing

    @property
    def n_unique(self) -> int:
        """Number of distinct values."""
        return len(self.values)

    def without(self, marks: tuple[str, ...]) -> Values:
        """Take values that mean "missing" for missing."""
        if self.values.dtype != pl.String:
            return self
        return self.drop(self.values.is_in(list(marks)))

    def drop(self, mask: pl.Series) -> Values:
        """Take the values marked by ``mask`` for missing."""
        if not mask.any():
            return self
        keep = ~mask
        counts = self.counts.filter(keep)
        return Values(self.values.filter(keep), counts, self.n_rows, self.n_rows - total(counts))

    def examples(self) -> tuple[str, ...]:
        """Return the most frequent values as text."""
        if self.n_unique > _MANY:
            frame = pl.DataFrame({"value": self.values, "count": self.counts})
            top = frame.top_k(_EXAMPLES, by=["count", "value"], reverse=[False, True])["value"]
            return tuple(as_text(value) for value in top)
        pairs = zip(self.counts.to_list(), self.values.to_list(), strict=True)
        first = heapq.nsmallest(_EXAMPLES, ((-count, value) for count, value in pairs))
        return tuple(as_text(value) for _, value in first)


def as_text(value: object) -> str:
    """Write one value as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return plain_number(value)
    return str(value)


def lowest(numbers: pl.Series) -> float:
    """Return the least of numbers (at least one)."""
    return float(numbers.min())  # type: ignore[arg-type]


def highest(numbers: pl.Series) -> float:
    """Return the greatest of numbers (at least one)."""
    return float(numbers.max())  # type: ignore[arg-type]


def all_whole(numbers: pl.Series) -> bool:
    """Tell whether numbers have no fraction."""
    values = numbers.to_numpy()
    return bool((values == np.rint(values)).all())


def total(counts: pl.Series) -> int:
    """Sum of counts."""
    return int(counts.sum() or 0)


def few_enough(n_stray: int, n_valid: int) -> bool:
    """Tell whether so few values do not fit that they do not speak against a role."""
    return n_stray <= STRAY_SHARE * n_valid or (n_stray == 1 and n_valid >= 20)


@dataclass(frozen=True)
class Numbers:
    """A column read as numbers: distinct finite numbers with counts, and what did not fit."""

    found: Values
    form: NumberFormat
    missing: tuple[str, ...]
    n_infinite: int
    n_invalid: int  # the infinite ones included
    invalid_examples: tuple[str, ...]
    has_codes: bool  # whole numbers with leading zeros


def read_numbers(seen: Values, comma_hint: bool = False, *, forced: bool = False) -> Numbers | None:
    """Read a column as numbers; None when it is none (``forced``: only when nothing fits)."""
    if seen.values.dtype != pl.String:
        return _typed(seen)
    marks: tuple[str, ...] = TYPED_MISSING_MARKS
    left = seen.without(marks)
    if not left.n_unique:
        return None
    form = find_format(left.values, comma_hint)
    if form is None:
        return None
    parsed = parse_numbers(left.values, form)
    fits = parsed.is_not_null()
    n_fit = total(left.counts.filter(fits))
    n_stray = left.n_valid - n_fit
    strays = left.values.filter(~fits)
    if len(strays) == 1 and 3 <= n_stray <= n_fit and fits.sum() >= 10 and _is_word(strays[0]):
        marks = (*marks, strays[0])  # one word again and again: it says "no value"
        left = left.drop(~fits)
        n_stray, parsed, strays = 0, parsed.filter(fits), strays.clear()
    if not n_fit or not (forced or few_enough(n_stray, left.n_valid)):
        return None
    codes = left.values.str.contains(r"^0\d+$")
    has_codes = form == PLAIN and total(left.counts.filter(codes)) > STRAY_SHARE * left.n_valid
    finite = parsed.is_finite().fill_null(False)
    infinite = parsed.is_infinite().fill_null(False)
    invalid = left.drop(finite)
    return Numbers(
        found=_regroup(parsed.filter(finite), left.counts.filter(finite), seen.n_rows),
        form=form,
        missing=marks,
        n_infinite=total(left.counts.filter(infinite)),
        n_invalid=total(invalid.counts),
        invalid_examples=invalid.examples(),
        has_codes=has_codes,
    )


def _is_word(text: str) -> bool:
    return not any(letter.isdigit() for letter in text)


def _typed(seen: Values) -> Numbers | None:
    if not seen.values.dtype.is_numeric():
        return None
    values = seen.values.cast(pl.Float64)
    infinite = values.is_infinite()
    invalid = Values(values, seen.counts, seen.n_rows, seen.n_missing).drop(~infinite)
    finite = ~infinite
    return Numbers(
        found=_regroup(values.filter(finite), seen.counts.filter(finite), seen.n_rows),
        form=PLAIN,
        missing=TYPED_MISSING_MARKS,
        n_infinite=total(invalid.counts),
        n_invalid=total(invalid.counts),
        invalid_examples=invalid.examples(),
        has_codes=False,
    )


def _regroup(values: pl.Series, counts: pl.Series, n_rows: int) -> Values:
    """Put equal numbers together that were written differently (1 and 1.0)."""
    frame = pl.DataFrame({"value": values, "count": counts})
    if values.n_unique() < len(values):
        frame = frame.group_by("value", maintain_order=True).agg(pl.col("count").sum())
    return Values(frame["value"], frame["count"], n_rows, n_rows - total(frame["count"]))
