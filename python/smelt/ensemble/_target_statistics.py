"""Ordered target statistics: numbers for categories too many for bins (Prokhorenkova et al., 2018).

A row's number is the mean target of the rows of its category that come before it in a random order,
drawn towards the mean of all rows by the weight of one row.  So no row's own target is in its own
number.  Several orders make a column each to learn from; new rows get the mean over all rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

N_ORDERS = 4
STRENGTH = 1.0  # weight of the mean of all rows

Statistics = dict[str, np.ndarray]


def ordered_statistics(
    codes: np.ndarray, y: np.ndarray, weight: np.ndarray, order: np.ndarray, mean: float
) -> np.ndarray:
    """Return the number of each row, given codes 0, 1, … (NaN where missing, and stays so)."""
    # 1. Rows by category, within a category in the given order.
    order = order[~np.isnan(codes[order])]
    rows = order[np.argsort(codes[order], kind="stable")]
    # 2. Sums of what comes before within the category.
    starts = np.flatnonzero(np.diff(codes[rows], prepend=-1))
    sizes = np.diff(starts, append=len(rows))
    before = []
    for values in (weight[rows] * y[rows], weight[rows]):
        running = np.cumsum(values) - values
        before.append(running - np.repeat(running[starts], sizes))
    # 3. Their mean, drawn towards the mean of all.
    found = np.full(len(codes), np.nan)
    found[rows] = (before[0] + STRENGTH * mean) / (before[1] + STRENGTH)
    return found


def fit_statistics(
    X: np.ndarray, columns: np.ndarray, sizes: list[int], y: np.ndarray, weight: Any, seed: int
) -> tuple[Statistics, np.ndarray, np.ndarray]:
    """Return the statistics, rows to learn from, and which column of new rows each column is.

    ``X`` holds codes in ``columns``, of which each has as many categories as ``sizes`` says.
    """
    weight = np.ones(len(y)) if weight is None else weight
    mean = float(np.average(y, weights=weight))
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(y)) for _ in range(N_ORDERS)]
    arranged = np.array(X, dtype=np.float64)
    values, further = [], []
    for column, size in zip(columns, sizes, strict=True):
        codes = np.asarray(X[:, column], dtype=np.float64)
        known = ~np.isnan(codes)
        at = codes[known].astype(np.int64)
        totals = np.bincount(at, weight[known] * y[known], size) + STRENGTH * mean
        values.append(totals / (np.bincount(at, weight[known], size) + STRENGTH))
        first, *others = (ordered_statistics(codes, y, weight, order, mean) for order in orders)
        arranged[:, column] = first
        further += others
    statistics = {
        "columns": np.asarray(columns, dtype=np.int64),
        "offsets": np.cumsum([0, *sizes], dtype=np.int64),
        "values": np.concatenate(values),
    }
    repeated = np.repeat(columns, N_ORDERS - 1)
    return statistics, np.column_stack([arranged, *further]), repeated


def apply_statistics(X: Any, statistics: Statistics) -> np.ndarray:
    """Return new rows with numbers for the codes."""
    arranged = np.array(X, dtype=np.float64)
    offsets, values = statistics["offsets"], statistics["values"]
    for column, start, stop in zip(statistics["columns"], offsets[:-1], offsets[1:], strict=True):
        codes = arranged[:, column]
        known = ~np.isnan(codes)
        arranged[known, column] = values[start:stop][codes[known].astype(np.int64)]
    return np.ascontiguousarray(arranged)
