"""Numbers written as text: decimal comma, separators of thousands, currency and percent signs."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl


def share(mask: pl.Series) -> float:
    """Return the share of true values."""
    return float(mask.mean() or 0.0)  # type: ignore[arg-type]


AFFIXES = ("$", "€", "£", "¥", "₹", "%")
_SEPARATORS = {".": (",", " ", "'", "\u00a0", "\u202f"), ",": (".", " ", "'", "\u00a0", "\u202f")}


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written; the same settings go to the model's ``parse_number``."""

    decimal: str = "."
    thousands: str = ""
    affixes: tuple[str, ...] = ()

    def in_words(self) -> str:
        """Describe what is not plain about the format."""
        words = []
        if self.decimal == ",":
            words.append("decimal comma")
        if self.thousands:
            words.append(f"{self.thousands!r} between thousands")
        words.extend(f"sign {affix!r}" for affix in self.affixes)
        return f" ({', '.join(words)})" if words else ""


PLAIN = NumberFormat()


def parse_numbers(text: pl.Series, form: NumberFormat = PLAIN) -> pl.Series:
    """Return text as float64; null where it is no number."""
    for affix in form.affixes:
        sign = re.escape(affix)
        text = text.str.replace(f"^{sign}[ \u00a0]*|[ \u00a0]*{sign}$", "")
    if form.thousands:
        # Only between groups of three digits; elsewhere the text is no number.
        mark, point = re.escape(form.thousands), re.escape(form.decimal)
        grouped = rf"^[+-]?(\d{{1,3}}({mark}\d{{3}})+|\d+)({point}\d*)?$"
        text = text.set(~text.str.contains(grouped), None)
        text = text.str.replace_all(form.thousands, "", literal=True)
    if form.decimal == ",":
        text = text.set(text.str.contains(".", literal=True), None)
        text = text.str.replace(",", ".", literal=True)
    return text.cast(pl.Float64, strict=False)


def find_format(values: pl.Series, comma_hint: bool) -> NumberFormat | None:
    """Return the format in which the most values are numbers, None where hardly any has a digit.

    ``1,234`` may be a thousand or one and a bit: it is a thousand when all values can be read so,
    unless ``comma_hint`` says that other columns have a decimal comma.
    """
    sample = values.head(2000)
    if not comma_hint and sample.cast(pl.Float64, strict=False).null_count() == 0:
        return PLAIN
    if not sample.str.contains(r"^[^\pL]*\d[^\pL]*$|^[+-]?\d[\d.,]*[eE]").any():
        return None
    affixes: tuple[str, ...] = ()
    for affix in AFFIXES:
        has = sample.str.starts_with(affix) | sample.str.ends_with(affix)
        if share(has) > (0.98 if affix == "%" else 0.5):
            affixes = (affix,)
            break
    candidates = [PLAIN, *_candidates(comma_hint, affixes)]
    if comma_hint:
        candidates.append(candidates.pop(0))
    best: NumberFormat | None = None
    best_count = 0
    for form in dict.fromkeys(candidates):
        count = int(parse_numbers(sample, form).is_finite().sum())
        if count > best_count:
            best, best_count = form, count
    return best


def _candidates(comma_hint: bool, affixes: tuple[str, ...]) -> list[NumberFormat]:
    forms = []
    for decimal in (",", ".") if comma_hint else (".", ","):
        bare = NumberFormat(decimal, "", affixes)
        grouped = [NumberFormat(decimal, mark, affixes) for mark in _SEPARATORS[decimal]]
        forms.append((bare, grouped))
    (first, first_grouped), (second, second_grouped) = forms
    return [first, *first_grouped, second, *second_grouped]


def surely_comma(values: pl.Series) -> bool:
    """Tell whether numbers have a decimal comma that cannot be a separator of thousands."""
    sample = values.head(2000)
    with_comma = sample.str.contains(r"^[+-]?\d+,\d+$")
    grouped = sample.str.contains(r"^[+-]?[1-9]\d{0,2}(,\d{3})+$")
    return bool(share(with_comma) > 0.3 and (with_comma & ~grouped).any())
