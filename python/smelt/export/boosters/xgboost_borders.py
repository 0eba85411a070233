"""Cuts of XGBoost (``x < border`` in 32 bits) and of smelt (``x <= threshold`` in 64 bits).

A threshold becomes the smallest 32-bit number above it: of all 32-bit numbers, the same ones go
left.  A border becomes the largest 64-bit number that XGBoost rounds to less than the border: of
all 64-bit numbers, the same ones go left.
"""

from __future__ import annotations

import numpy as np

#: The smallest 64-bit number that is rounded to infinity in 32 bits.
ROUNDED_UP_TO_INFINITY = 2.0**128 - 2.0**103


def borders_above(thresholds: np.ndarray) -> np.ndarray:
    """Return 32-bit borders for thresholds."""
    with np.errstate(over="ignore"):
        below = thresholds.astype(np.float32)
        down = np.nextafter(below, np.float32(-np.inf))
        below = np.where(below.astype(np.float64) > thresholds, down, below)
        return np.nextafter(below, np.float32(np.inf))


def thresholds_below(borders: np.ndarray) -> np.ndarray:
    """Return 64-bit thresholds for 32-bit borders."""
    with np.errstate(invalid="ignore", over="ignore"):
        below = np.nextafter(borders, np.float32(-np.inf))
        middle = below.astype(np.float64) / 2 + borders.astype(np.float64) / 2
    middle = np.where(borders == np.inf, ROUNDED_UP_TO_INFINITY, middle)
    is_even = below.view(np.uint32) % 2 == 0  # halfway numbers are rounded to it
    return np.where(is_even, middle, np.nextafter(middle, -np.inf))
