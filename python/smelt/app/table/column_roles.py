"""The role of one column, and why."""

from __future__ import annotations

from typing import Any

import polars as pl

from smelt.app.table.dates import find_formats, parse_dates
from smelt.app.table.names import is_id_name, is_time_name
from smelt.app.table.numbers import share
from smelt.app.table.schema import (
    FALSE_WORDS,
    MISSING_MARKS,
    TRUE_WORDS,
    TYPED_MISSING_MARKS,
    Column,
    Role,
    plain_number,
)
from smelt.app.table.values import (
    Numbers,
    Values,
    all_whole,
    few_enough,
    highest,
    lowest,
    read_numbers,
    total,
)
from smelt.errors import DataError

_BOOLEAN_PAIRS = (("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"))
_NEARLY_UNIQUE = 0.95
_COUNTER_ROWS = 50
_WITHOUT_BLANKS = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}]"


def infer_column(name: str, seen: Values, comma_hint: bool = False) -> Column:
    """Find the role of a column from its distinct values."""
    kind = seen.values.dtype
    if kind == pl.Boolean:
        return _boolean(name, seen) if seen.n_unique > 1 else _levels(name, seen)
    if kind == pl.Datetime:
        return _dates(name, seen, seen.values, ())
    left = seen.without(MISSING_MARKS)
    if not left.n_unique:
        return Column(name, "constant", "no row has a value", n_missing=seen.n_rows)
    numbers = read_numbers(seen, comma_hint)
    if numbers is not None and not numbers.has_codes and numbers.found.n_unique:
        return number_column(name, numbers)
    if kind != pl.String:
        return Column(
            name, "constant", "no row has a finite value", n_missing=seen.n_missing,
            n_invalid=seen.n_valid,
        )  # fmt: skip
    return (
        _boolean_words(name, seen)
        or _date_text(name, seen)
        or _levels(name, left, "codes with leading zeros, " if numbers is not None else "")
    )


def force_role(name: str, seen: Values, role: Role, comma_hint: bool = False) -> Column:
    """Describe a column in the role it was given."""
    reason = "as asked for"
    if role in ("ignored", "identifier", "constant", "category", "text"):
        left = seen.without(MISSING_MARKS)
        return _plain(name, role, reason, left)
    if role == "number":
        numbers = read_numbers(seen, comma_hint, forced=True)
        if numbers is not None and numbers.found.n_unique:
            return number_column(name, numbers, reason)
    elif role == "boolean":
        if seen.values.dtype == pl.Boolean:
            return _boolean(name, seen, reason)
        column = _boolean_words(name, seen, reason)
        if column is not None:
            return column
    elif seen.values.dtype == pl.Datetime or seen.values.dtype.is_numeric():
        return _dates(name, seen, _as_datetime(seen.values), (), reason)
    elif seen.values.dtype == pl.String:
        column = _date_text(name, seen, reason, forced=True)
        if column is not None:
            return column
    raise DataError(
        f"the column {name!r} was asked to be {role}, but its values are not: "
        f"{', '.join(map(repr, seen.without(MISSING_MARKS).examples()))}."
    )


def _plain(name: str, role: Role, reason: str, seen: Values, **more: Any) -> Column:
    return Column(
        name, role, reason, n_missing=seen.n_missing, n_unique=seen.n_unique,
        examples=seen.examples(), **more,
    )  # fmt: skip


def number_column(name: str, numbers: Numbers, reason: str = "") -> Column:
    """Describe a column of numbers: a number, an identifier, or a constant."""
    found = numbers.found
    low, high = lowest(found.values), highest(found.values)
    span = f"{plain_number(low)} to {plain_number(high)}"
    whole = all_whole(found.values)
    role: Role = "number"
    if reason:
        pass
    elif found.n_unique == 1 and not found.n_missing:
        role, reason = "constant", f"always {plain_number(low)}"
    elif whole and (why := _numbers_rows(name, found, low, high)):
        role, reason = "identifier", why
    else:
        what = "whole numbers" if whole else "numbers"
        reason = f"{what} from {span}{numbers.form.in_words()}"
        if numbers.n_invalid:
            listed = ", ".join(map(repr, numbers.invalid_examples))
            reason += f"; {numbers.n_invalid} that are none count as missing ({listed})"
    return Column(
        name, role, reason,
        missing=numbers.missing,
        decimal=numbers.form.decimal,
        thousands=numbers.form.thousands,
        affixes=numbers.form.affixes,
        n_missing=found.n_missing - numbers.n_invalid,
        n_invalid=numbers.n_invalid,
        n_unique=found.n_unique,
        low=low,
        high=high,
        examples=found.examples(),
        invalid_examples=numbers.invalid_examples,
    )  # fmt: skip


def _numbers_rows(name: str, found: Values, low: float, high: float) -> str | None:
    """Say why whole numbers identify rows, if they do."""
    if found.n_unique == found.n_rows and not is_time_name(name):
        counts_up = high - low == found.n_rows - 1
        if counts_up and (found.n_rows >= _COUNTER_ROWS or is_id_name(name)):
            return f"numbers the rows from {plain_number(low)} to {plain_number(high)}"
    if is_id_name(name) and found.n_unique >= max(20, _NEARLY_UNIQUE * found.n_valid):
        return f"named like an identifier, and {_different(found)}"
    return None


def _different(seen: Values) -> str:
    if seen.n_unique == seen.n_valid:
        return f"all {seen.n_unique} values differ"
    return f"{seen.n_unique} of {seen.n_valid} values differ"


def _boolean(name: str, seen: Values, reason: str = "") -> Column:
    return _plain(
        name, "boolean", reason or "true or false", seen,
        missing=TYPED_MISSING_MARKS, true=TRUE_WORDS, false=FALSE_WORDS,
    )  # fmt: skip


def _boolean_words(name: str, seen: Values, reason: str = "") -> Column | None:
    left = seen.without(TYPED_MISSING_MARKS)
    if not 2 <= left.n_unique <= 500:
        return None
    lower = left.values.str.to_lowercase()
    for pair in _BOOLEAN_PAIRS:
        fits = lower.is_in(list(pair))
        if lower.filter(fits).n_unique() < 2:
            continue
        invalid = left.drop(fits)
        n_invalid = total(invalid.counts)
        if not (reason or few_enough(n_invalid, left.n_valid)):
            return None
        words = left.drop(~fits)
        return Column(
            name, "boolean", reason or f"{pair[0]} or {pair[1]}",
            missing=TYPED_MISSING_MARKS,
            true=TRUE_WORDS,
            false=FALSE_WORDS,
            n_missing=left.n_missing,
            n_invalid=n_invalid,
            n_unique=2,
            examples=words.examples(),
            invalid_examples=invalid.examples(),
        )  # fmt: skip
    return None


def _as_datetime(values: pl.Series) -> pl.Series:
    if values.dtype.is_numeric():
        return (values.cast(pl.Float64) * 1e6).cast(pl.Int64, strict=False).cast(pl.Datetime("us"))
    return values


def _date_text(name: str, seen: Values, reason: str = "", forced: bool = False) -> Column | None:
    left = seen.without(TYPED_MISSING_MARKS)
    formats, sure = find_formats(left.values)
    if not formats:
        return None
    parsed = parse_dates(left.values, formats)
    fits = parsed.is_not_null()
    invalid = left.drop(fits)
    n_invalid = total(invalid.counts)
    if not (forced or few_enough(n_invalid, left.n_valid)):
        return None
    if not sure and not reason:
        reason = f"dates ({', '.join(formats)}; no value tells day and month apart)"
    dates = left.drop(~fits)
    column = _dates(name, dates, parsed.filter(fits), formats, reason)
    return Column(
        **{
            **vars(column),
            "n_missing": left.n_missing,
            "n_invalid": n_invalid,
            "invalid_examples": invalid.examples(),
        }
    )


def _dates(
    name: str, seen: Values, dates: pl.Series, formats: tuple[str, ...], reason: str = ""
) -> Column:
    if not len(dates):
        return Column(name, "constant", "no row has a value", n_missing=seen.n_rows)
    first, last = str(dates.min()), str(dates.max())
    if first == last and not seen.n_missing and not reason:
        return _plain(name, "constant", f"always {first}", seen)
    seconds = dates.dt.timestamp("us") / 1e6
    low, high = lowest(seconds), highest(seconds)
    return Column(
        name, "datetime",
        reason or f"dates from {first[:10]} to {last[:10]}",
        missing=TYPED_MISSING_MARKS,
        formats=formats,
        n_missing=seen.n_missing,
        n_unique=dates.n_unique(),
        low=low,
        high=high,
        examples=seen.examples(),
    )  # fmt: skip


def _levels(name: str, seen: Values, prefix: str = "") -> Column:
    """A column of words: category, identifier, free text, or a constant."""
    n_unique, n_valid = seen.n_unique, seen.n_valid
    if n_unique == 0:
        return Column(name, "constant", "no row has a value", n_missing=seen.n_rows)
    if n_unique == 1 and not seen.n_missing:
        return _plain(name, "constant", f"always {seen.examples()[0]!r}", seen)
    distinct = n_unique / n_valid
    if seen.values.dtype == pl.String and not prefix and n_unique > 1:
        sample = seen.values.head(5000)
        words = float(sample.str.count_matches(r"\S+").mean() or 0)  # type: ignore[arg-type]
        letters = float(sample.str.len_chars().mean() or 0)  # type: ignore[arg-type]
        unspaced = share(sample.str.contains(_WITHOUT_BLANKS))
        wordy = words >= 3 or (unspaced > 0.3 and letters >= 6)
        if n_unique >= 10 and wordy and (distinct >= 0.3 or (words >= 8 and n_unique > 100)):
            how = f"{words:.1f} words" if words >= 3 else f"{letters:.0f} characters"
            return _plain(name, "text", f"free text, {how} on average", seen)
    if n_valid >= 20 and distinct >= _NEARLY_UNIQUE:
        return _plain(name, "identifier", prefix + _different(seen), seen)
    if is_id_name(name) and n_unique > 20 and distinct >= 0.3:
        reason = f"{prefix}named like an identifier, and {_different(seen)}"
        return _plain(name, "identifier", reason, seen)
    level = "value" if n_unique == 1 else "different values"
    return _plain(name, "category", f"{prefix}{n_unique} {level}", seen)
