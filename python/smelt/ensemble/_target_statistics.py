"""Target statistics: numbers for categories too many for bins.

A category becomes the mean target of its rows, drawn towards the mean of all rows the more, the
fewer its rows and the less the categories of the column differ (empirical Bayes).  A row to learn
from must not see its own target in its own number: "target" takes the mean over the other nine of
ten folds (Micci-Barreca, 2001), "ordered" that over the rows before it in a random order, four
times (Prokhorenkova et al., 2018).  New rows get the mean over all rows.  With more than two
classes a category becomes as many numbers: the shares of the classes among its rows, each drawn
towards that among all rows.  The first stands in the column's place, the others behind all columns.
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
    X: np.ndarray, columns: np.ndarray, sizes: list[int], y: np.ndarray, n_classes: int,
    weight: Any, seed: int, way: str,
) -> tuple[Statistics, np.ndarray, list[int]]:  # fmt: skip
    """Return the statistics, rows to learn from, and which column of new rows their last ones are.

    ``X`` holds codes in ``columns``, of which each has as many categories as ``sizes`` says; it is
    written to.
    """
    weight = np.ones(len(y)) if weight is None else weight
    rng = np.random.default_rng(seed)
    if way == "ordered":
        orders = [rng.permutation(len(y)) for _ in range(N_ORDERS)]
    else:
        orders = [rng.permutation(len(y)) % N_FOLDS]
    make = ordered_statistics if way == "ordered" else folded_statistics
    n_targets = n_classes if n_classes > 2 else 1
    places = _places(columns, X.shape[1], n_targets)
    values: list[np.ndarray] = []
    further: list[np.ndarray] = []
    others: list[np.ndarray] = []
    of_others: list[int] = []
    for row, size in zip(places, sizes, strict=True):
        codes = np.where(np.isnan(X[:, row[0]]), size, X[:, row[0]]).astype(np.intp)
        known = codes < size
        weights = np.bincount(codes, weight, size + 1)[:size]
        drawn = np.empty((size, n_targets))
        for k, place in enumerate(row):
            target = y if n_targets == 1 else (y == k).astype(np.float64)
            mean = float(np.average(target, weights=weight))
            prior = prior_rows(codes[known], target[known], weight[known], mean)
            totals = np.bincount(codes, weight * target, size + 1)[:size] + prior * mean
            drawn[:, k] = totals / (weights + prior)
            made = [make(codes, target, weight, o, size, mean, prior) for o in orders]
            if k == 0:
                X[:, place] = made[0]
            else:
                further.append(made[0])
            others += made[1:]
            of_others += [int(place)] * (len(orders) - 1)
        values.append(drawn)
    statistics = {
        "columns": np.asarray(columns, dtype=np.int64),
        "offsets": np.cumsum([0, *sizes], dtype=np.int64),
        "values": np.concatenate(values).squeeze(axis=1) if n_targets == 1 else np.vstack(values),
    }
    wide = [*further, *others]
    return statistics, np.column_stack([X, *wide]) if wide else X, of_others


def _places(columns: np.ndarray, n_columns: int, n_targets: int) -> np.ndarray:
    """Return which columns of wide rows hold the numbers of each column: (n_columns, n_targets)."""
    behind = n_columns + np.arange(len(columns) * (n_targets - 1), dtype=np.int64)
    return np.column_stack([columns, behind.reshape(len(columns), -1)])


def columns_behind(statistics: Statistics | None) -> np.ndarray:
    """Return which column each of those behind all columns is made of."""
    if statistics is None:
        return np.zeros(0, dtype=np.int64)
    n_targets = statistics["values"][:1].size
    return np.repeat(statistics["columns"], n_targets - 1)


def apply_statistics(X: Any, statistics: Statistics) -> np.ndarray:
    """Return new rows with numbers for the codes."""
    offsets = statistics["offsets"]
    values = statistics["values"].reshape(len(statistics["values"]), -1)
    n_rows, n_columns = X.shape
    places = _places(statistics["columns"], n_columns, values.shape[1])
    arranged = np.empty((n_rows, n_columns + places[:, 1:].size))
    arranged[:, :n_columns] = X
    for place, start, stop in zip(places, offsets[:-1], offsets[1:], strict=True):
        codes = arranged[:, place[0]]
        known = ~np.isnan(codes)
        found = np.full((n_rows, len(place)), np.nan)
        found[known] = values[start:stop][codes[known].astype(np.int64)]
        arranged[:, place] = found
    return arranged
