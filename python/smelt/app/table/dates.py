"""Dates and times written as text: which formats, and the day-or-month question."""

from __future__ import annotations

import re

import polars as pl

from smelt.app.table.numbers import share

_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d",
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%m.%d.%Y", "%d-%m-%Y", "%m-%d-%Y",
    "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%m-%d-%y",
    "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%b %d, %Y", "%b %d %Y", "%Y-%b-%d",
    "%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%b-%Y", "%b-%y",
)  # fmt: skip
_TIMES = (
    "", " %H:%M", " %H:%M:%S", " %H:%M:%S%.f", "T%H:%M", "T%H:%M:%S", "T%H:%M:%S%.f",
    " %H:%M:%S%.f%z", "T%H:%M%z", "T%H:%M:%S%.f%z", " %I:%M %p", " %I:%M:%S %p",
)  # fmt: skip
_MONTH = "|".join(
    f"{name[:3]}(?:{name[3:]})?"
    for name in (
        "january", "february", "march", "april", "may", "june", "july", "august", "september",
        "october", "november", "december",
    )
)  # fmt: skip
_PARTS = {
    "%Y": r"[12]\d{3}", "%y": r"\d{2}", "%m": r"\d{1,2}", "%d": r"\d{1,2}",
    "%b": f"(?i:{_MONTH})", "%H": r"\d{1,2}", "%I": r"\d{1,2}", "%M": r"\d{2}", "%S": r"\d{2}",
    "%p": r"[AaPp][Mm]", "%.f": r"(?:\.\d{1,9})?", "%z": r"(?:Z|[+-]\d{2}:?\d{2})",
}  # fmt: skip
_SHORT_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_PART = re.compile("|".join(map(re.escape, _PARTS)))
_SAMPLE = 1000


def _pattern(form: str) -> str:
    """A regular expression for texts that may fit the format."""
    pieces, end = [], 0
    for part in _PART.finditer(form):
        pieces += [re.escape(form[end : part.start()]), _PARTS[part[0]]]
        end = part.end()
    pattern = "".join(pieces) + re.escape(form[end:])
    if form.startswith("%Y%m%d"):
        pattern = pattern.replace(r"\d{1,2}", r"\d{2}")
    return f"^{pattern}$"


FORMATS = {date + time: _pattern(date + time) for date in _DATES for time in _TIMES}


def parse_dates(text: pl.Series, formats: tuple[str, ...]) -> pl.Series:
    """Return text as date-times without zone (UTC where a zone is given), by the first fit."""
    found = pl.Series(text.name, [None], dtype=pl.Datetime("us")).new_from_index(0, len(text))
    for form in formats:
        fits = text.set(~text.str.contains(FORMATS[form]), None)
        if "%b" in form:  # Polars knows short names only
            fits = fits.str.replace(f"(?i)({_SHORT_MONTH})[a-z]*", "$1")
        if form.endswith("%z"):
            parsed = fits.str.replace("Z$", "+00:00").str.to_datetime(
                form, strict=False, time_unit="us"
            )
            parsed = parsed.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        else:
            parsed = fits.str.to_datetime(form, strict=False, time_unit="us")
        found = found.zip_with(found.is_not_null(), parsed)
    return found


def find_formats(values: pl.Series) -> tuple[tuple[str, ...], bool]:
    """Return the formats of the values, and whether day and month could be told apart.

    All values have a say: ``13/01/2020`` anywhere makes ``05/06/2020`` the fifth of June.
    """
    sample = values.head(_SAMPLE)
    looks = sample.str.contains(r"^\S{6,}$|\d{1,4}[-/. ,]") & sample.str.contains(r"\d")
    if share(looks) < 0.5:
        return (), True
    fitting = [f for f, pattern in FORMATS.items() if sample.str.contains(pattern).any()]
    if not fitting or len(fitting) > 60:
        return (), True
    chosen: list[str] = []
    open_values = values
    while fitting and len(open_values) and len(chosen) < 4:
        # The format that reads most of what no format has read yet; the earlier one where equal.
        reads = [parse_dates(open_values, (form,)).is_not_null().sum() for form in fitting]
        most = max(reads)
        if most < max(1, 0.005 * len(values)):
            break
        best = fitting[reads.index(most)]
        chosen.append(best)
        fitting.remove(best)
        twin = _day_month_twin(best)
        if twin in fitting:
            fitting.remove(twin)  # never both readings in one column
        open_values = open_values.filter(parse_dates(open_values, (best,)).is_null())
    return tuple(chosen), not any(_ambiguous(values, form) for form in chosen)


def _day_month_twin(form: str) -> str:
    """The format with day and month exchanged."""
    return form.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")


def _ambiguous(values: pl.Series, form: str) -> bool:
    """Whether day and month of every value can be exchanged, and it would make a difference."""
    twin = _day_month_twin(form)
    if twin == form or twin not in FORMATS:
        return False
    one, other = parse_dates(values, (form,)), parse_dates(values, (twin,))
    return bool((one.is_null() | other.is_not_null()).all() and (one != other).any())
