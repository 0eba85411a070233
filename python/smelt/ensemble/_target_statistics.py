"""Target statistics: numbers for categories too many for bins.

A category becomes the mean target of its rows, drawn towards the mean of all rows the more, the
fewer its rows and the less the categories of the column differ (empirical Bayes).  A row to learn
from must not see its own target in its own number: "target" takes the mean over the other nine of
ten folds (Micci-Barreca, 2001), "ordered" that over the rows before it in a random order, four
times (Prokhorenkova et al., 2018).  New rows get the mean over all rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

N_FOLDS = 10
N_ORDERS = 4
LEAST, MOST = 1.0, 1000.0  # rows that the mean of all rows may weigh as much as

Statistics = dict[str, np.ndarray]


def prior_rows(codes: np.ndarray, y: np.ndarray, weight: np.ndarray, mean: float) -> float:
    """Return how many rows the mean of all rows weighs as much as, given codes 0, 1, ….

    The variance within categories over that between them, from the sums of squares of an analysis
    of variance: where y is ``b[code] + noise``, this makes the drawn means the best linear guess.
    """
    rows = np.bincount(codes, weight)
    sums, squares = np.bincount(codes, weight * y), np.bincount(codes, weight * y * y)
    used = rows > 0
    rows, sums, squares = rows[used], sums[used], squares[used]
    total, n_used = rows.sum(), len(rows)
    if total <= n_used or n_used < 2:
        return MOST
    within = (squares - sums**2 / rows).sum() / (total - n_used)
    spread = (rows * (sums / rows - mean) ** 2).sum() - (n_used - 1) * within
    between = spread / (total - (rows**2).sum() / total)
    if between * MOST <= within:
        return MOST
    return float(max(within / between, LEAST))


def folded_statistics(
    codes: np.ndarray, y: np.ndarray, weight: np.ndarray, fold: np.ndarray, size: int,
    mean: float, prior: float,
) -> np.ndarray:  # fmt: skip
    """Return the number of each row from the rows of other folds; code ``size`` is missing."""
    place = fold * (size + 1) + codes
    n_places = N_FOLDS * (size + 1)
    sums = np.bincount(place, weight * y, n_places).reshape(N_FOLDS, -1)
    rows = np.bincount(place, weight, n_places).reshape(N_FOLDS, -1)
    means = (sums.sum(axis=0) - sums + prior * mean) / (rows.sum(axis=0) - rows + prior)
    means[:, size] = np.nan
    found: np.ndarray = means.ravel()[place]
    return found


def ordered_statistics(
    codes: np.ndarray, y: np.ndarray, weight: np.ndarray, order: np.ndarray, size: int,
    mean: float, prior: float,
) -> np.ndarray:  # fmt: skip
    """Return the number of each row from the rows before it; code ``size`` is missing."""
    # 1. Rows by category, within a category in the given order.
    order = order[codes[order] < size]
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
    found[rows] = (before[0] + prior * mean) / (before[1] + prior)
    return found


def fit_statistics(
    X: np.ndarray, columns: np.ndarray, sizes: list[int], y: np.ndarray, weight: Any, seed: int,
    way: str,
) -> tuple[Statistics, np.ndarray, np.ndarray]:  # fmt: skip
    """Return the statistics, rows to learn from, and which column of new rows each column is.

    ``X`` holds codes in ``columns``, of which each has as many categories as ``sizes`` says; it is
    written to.
    """
    weight = np.ones(len(y)) if weight is None else weight
    mean = float(np.average(y, weights=weight))
    rng = np.random.default_rng(seed)
    if way == "ordered":
        orders = [rng.permutation(len(y)) for _ in range(N_ORDERS)]
    else:
        orders = [rng.permutation(len(y)) % N_FOLDS]
    make = ordered_statistics if way == "ordered" else folded_statistics
    values, further = [], []
    for column, size in zip(columns, sizes, strict=True):
        codes = np.where(np.isnan(X[:, column]), size, X[:, column]).astype(np.intp)
        known = codes < size
        prior = prior_rows(codes[known], y[known], weight[known], mean)
        totals = np.bincount(codes, weight * y, size + 1)[:size] + prior * mean
        values.append(totals / (np.bincount(codes, weight, size + 1)[:size] + prior))
        X[:, column], *others = (make(codes, y, weight, o, size, mean, prior) for o in orders)
        further += others
    statistics = {
        "columns": np.asarray(columns, dtype=np.int64),
        "offsets": np.cumsum([0, *sizes], dtype=np.int64),
        "values": np.concatenate(values),
    }
    repeated = np.repeat(columns, len(orders) - 1)
    return statistics, np.column_stack([X, *further]) if further else X, repeated


def apply_statistics(X: Any, statistics: Statistics) -> np.ndarray:
    """Return new rows with numbers for the codes."""
    arranged = np.array(X, dtype=np.float64)
    offsets, values = statistics["offsets"], statistics["values"]
    for column, start, stop in zip(statistics["columns"], offsets[:-1], offsets[1:], strict=True):
        codes = arranged[:, column]
        known = ~np.isnan(codes)
        arranged[known, column] = values[start:stop][codes[known].astype(np.int64)]
    return np.ascontiguousarray(arranged)
