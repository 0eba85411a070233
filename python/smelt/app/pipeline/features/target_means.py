"""Category codes as means of the target: a table for new rows, out-of-fold values for its own.

A row's own target must not be in the number it is described by, or the model would read the answer
there.  So the rows that a table is fitted on get, while a model is fitted on them, the mean of the
other parts of those rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smelt.app.pipeline.data.splits import spread

SMOOTHING = 10.0  # a category weighs against this many rows of the overall mean
PARTS = 5
MOST_CLASSES = 10


@dataclass(frozen=True)
class TargetMeans:
    """Means for ``size`` categories, the unseen and the missing; and for the rows themselves."""

    table: np.ndarray  # (size + 2, t)
    rows: np.ndarray  # (n, t), out of fold


def as_targets(target: np.ndarray, k: int) -> np.ndarray:
    """Return what is averaged, n×t: the number, the second of two classes, or every class."""
    if k <= 2:
        return target.astype(np.float64)[:, None]
    if k > MOST_CLASSES:
        return np.empty((len(target), 0))
    return (target[:, None] == np.arange(k)).astype(np.float64)


def fit_target_means(
    slots: np.ndarray, size: int, targets: np.ndarray, rng: np.random.Generator
) -> TargetMeans:
    """Fit on rows whose ``slots`` are category, ``size`` for unseen, ``size + 1`` for missing."""
    prior = targets.mean(axis=0)
    out_of_fold = np.empty_like(targets)
    order_by = targets[:, -1] if targets.shape[1] else np.zeros(len(targets))
    part = spread(order_by, min(PARTS, max(2, len(targets))), rng)
    for fold in range(int(part.max()) + 1):
        held = part == fold
        table = _table(slots[~held], size, targets[~held], prior)
        out_of_fold[held] = table[slots[held]]
    return TargetMeans(_table(slots, size, targets, prior), out_of_fold)


def _table(slots: np.ndarray, size: int, targets: np.ndarray, prior: np.ndarray) -> np.ndarray:
    counts = np.bincount(slots, minlength=size + 2)
    sums = np.empty((size + 2, targets.shape[1]))
    for t, column in enumerate(targets.T):
        sums[:, t] = np.bincount(slots, weights=column, minlength=size + 2)
    return (sums + SMOOTHING * prior) / (counts + SMOOTHING)[:, None]
