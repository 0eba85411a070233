"""Finds the delimiter of a text file."""

from __future__ import annotations

import re
from statistics import median

from smelt import _smelt
from smelt.errors import UsageError

DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "blank"}
_SEPARATOR_LINE = re.compile(rb'\A"?sep=(.)"?\r?\n')
_SAMPLE = 1 << 18  # bytes


def delimiter_name(delimiter: str) -> str:
    """Return the delimiter in words."""
    return _NAMES.get(delimiter, repr(delimiter))


def checked_delimiter(delimiter: str) -> str:
    r"""Check a delimiter that was asked for; ``\t`` and ``tab`` stand for the tabulator."""
    delimiter = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
        raise UsageError(f"delimiter must be one ASCII character, got {delimiter!r}")
    return delimiter


def separator_line(text: bytes) -> tuple[str, int] | None:
    """Return the delimiter that Excel's first line ``sep=;`` names, and the length of that line."""
    match = _SEPARATOR_LINE.match(text)
    if match is None or match[1] in b'"\r':
        return None
    return match[1].decode(), match.end()


def sniff_delimiter(text: bytes, whole: bool) -> str:
    """Return the delimiter that cuts the most rows into as many fields (two or more) as the header.

    Where no row agrees with the header (a title above it?), the one that cuts the rows into the
    most fields.  A file without any delimiter is a file with one column.  ``whole`` says that
    ``text`` is all of the file.
    """
    sample = text[:_SAMPLE]
    best, best_score = ",", (0.0, 1.0)
    for delimiter in DELIMITERS:
        counts = _smelt.table.csv_field_counts(
            sample, ord(delimiter), whole and len(text) <= _SAMPLE, 1000
        )
        if not counts or max(counts) < 2:
            continue
        agree = sum(count == counts[0] > 1 for count in counts[1:]) / max(1, len(counts) - 1)
        score = (round(agree, 2), median(counts[1:] or counts))
        if score > best_score:
            best, best_score = delimiter, score
    if best_score[1] == 1 and b"\n" not in sample and b"\r" not in sample:
        best = max(DELIMITERS, key=lambda delimiter: sample.count(delimiter.encode()))
    return best
