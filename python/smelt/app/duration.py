"""Lengths of time as people write them: ``90``, ``90s``, ``5m``, ``1h30m``."""

from __future__ import annotations

import math
import re

from smelt.errors import UsageError

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_SPELLED = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")


def seconds_of(value: str | float, place: str = "--time") -> float:
    """Return ``value`` in seconds; at least one second, at most a year."""
    seconds = math.nan
    if isinstance(value, str):
        match = _SPELLED.fullmatch(value.strip().lower())
        if match and any(match.groups()):
            parts = zip(match.groups(), _UNITS.values(), strict=True)
            seconds = sum(float(part) * unit for part, unit in parts if part)
    elif not isinstance(value, bool):
        seconds = float(value)
    if not 1 <= seconds <= 365 * 86400:
        raise UsageError(
            f"{place} must be a length of time of at least one second, got {value!r}",
            hint="write seconds, or a text such as 90s, 5m, 1h30m",
        )
    return seconds


def spelled(seconds: float) -> str:
    """Return a length of time as people read it."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
