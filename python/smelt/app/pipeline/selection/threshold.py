"""The threshold of a two-class model, and the table the report's slider reads."""

from __future__ import annotations

import numpy as np

STEPS = 201
RARE = 0.1  # a positive class rarer than this gets the threshold of best F1 instead of one half


def threshold_table(target: np.ndarray, score: np.ndarray) -> list[dict[str, float | int]]:
    """Count hits and misses at 201 thresholds 0, 0.005, …, 1 (class 1 from the threshold up)."""
    thresholds = np.linspace(0.0, 1.0, STEPS)
    positive, negative = np.sort(score[target == 1]), np.sort(score[target == 0])
    fn = np.searchsorted(positive, thresholds, side="left")
    tn = np.searchsorted(negative, thresholds, side="left")
    return [
        {
            "threshold": round(float(threshold), 3),
            "tp": int(len(positive) - missed),
            "fp": int(len(negative) - passed),
            "tn": int(passed),
            "fn": int(missed),
        }
        for threshold, missed, passed in zip(thresholds, fn, tn, strict=True)
    ]


def best_f1(table: list[dict[str, float | int]]) -> float:
    """Return the threshold of the table with the highest F1 (the one nearest one half on ties)."""

    def rank(row: dict[str, float | int]) -> tuple[float, float]:
        both = 2 * row["tp"] + row["fp"] + row["fn"]
        f1 = round(2 * row["tp"] / both, 12) if both else 0.0
        return f1, -abs(row["threshold"] - 0.5)

    return float(max(table, key=rank)["threshold"])


def choose_threshold(target: np.ndarray, score: np.ndarray) -> float:
    """Return one half, or the best F1 on out-of-fold scores when either class is rare.

    With a rare class, one half would almost never predict it, which nobody who trains such a model
    wants; the summary says so and the report shows the whole table.
    """
    if min(target.mean(), 1.0 - target.mean()) >= RARE or len(target) < 100:
        return 0.5
    if target.mean() > 0.5:  # the rare class is the first one: its F1 counts
        return round(1.0 - best_f1(threshold_table(1 - target, 1.0 - score)), 3)
    return best_f1(threshold_table(target, score))
