"""What the name of a column says: identifiers, years, and names that are close to another."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ID_TOKENS = {"id", "ids", "uuid", "guid", "pid", "uid", "identifier", "ident", "rowid", "ssn"}
_ID_NAMES = {
    "index", "idx", "key", "row", "rownames", "rownum", "row number", "row names", "no", "nr",
    "number", "obs", "observation", "seq", "sequence", "serial", "serial number", "unnamed 0",
    "column 1", "record", "case", "sample", "sample number", "nummer", "numero",
}  # fmt: skip


def tokens(name: str) -> list[str]:
    """Return the words of a name, in lower case: ``customerID`` is ``customer``, ``id``."""
    return [token.lower() for token in _TOKEN.findall(name)]


def is_id_name(name: str) -> bool:
    """Tell whether a column of that name identifies rows or things."""
    words = tokens(name)
    if not words:
        return False
    return words[-1] in _ID_TOKENS or words[0] in _ID_TOKENS or " ".join(words) in _ID_NAMES


def is_time_name(name: str) -> bool:
    """Tell whether a column of that name counts time (a year that counts up is no row number)."""
    return not {"year", "years", "time", "date", "day", "month", "week", "hour"}.isdisjoint(
        tokens(name)
    )


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return a sentence that offers the names close to ``name``, or the first few."""
    known = list(names)
    by_lower = {known_name.lower(): known_name for known_name in reversed(known)}
    close = [by_lower[low] for low in difflib.get_close_matches(name.lower(), by_lower, n=3)]
    if close:
        return f"Did you mean {' or '.join(map(repr, close))}?"
    more = ", …" if len(known) > 8 else ""
    return f"There are {', '.join(map(repr, known[:8]))}{more}."
