"""Permutation importance: how much worse the test part is predicted with a column shuffled."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from smelt.app.pipeline.assemble import Assembled
from smelt.app.pipeline.budget import Budget
from smelt.app.pipeline.metrics import LOWER_IS_BETTER, all_metrics
from smelt.app.table.columns import to_columns

MOST_ROWS = 2_000
MOST_COLUMNS = 200
ROUNDS = 5
PREDICTIONS = 400  # columns × rounds that a run can spare without a budget


def permutation_importance(
    assembled: Assembled,
    frame: pl.DataFrame,
    target: np.ndarray,
    task: str,
    metric: str,
    seed: int,
    budget: Budget,
) -> list[dict[str, Any]]:
    """Return, the most important first, how far the metric falls and the range over the rounds.

    A fall is positive also for metrics where lower is better.  Columns come in the frame's order,
    at most 200 of them; with a budget, those there is time for.
    """
    rng = np.random.default_rng(seed)
    if frame.height > MOST_ROWS:
        rows = np.sort(rng.permutation(frame.height)[:MOST_ROWS])
        frame, target = frame[rows], target[rows]
    names = frame.columns[:MOST_COLUMNS]
    rounds = int(np.clip(PREDICTIONS // max(1, len(names)), 2, ROUNDS))
    columns = to_columns(frame)
    used = used_columns(assembled)
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    before = all_metrics(task, target, assembled.predict(columns))[metric]
    found = []
    for position, name in enumerate(names):
        falls = [0.0]
        if name in used:
            if not budget.allows(0.0):
                break
            falls = []
            for _ in range(rounds):
                shuffled = to_columns(
                    frame.select(pl.col(name).gather(rng.permutation(frame.height)))
                )
                changed = [*columns[:position], *shuffled, *columns[position + 1 :]]
                after = all_metrics(task, target, assembled.predict(changed))[metric]
                falls.append(sign * (before - after))
        found.append(
            {
                "column": name,
                "mean": _significant(np.mean(falls)),
                "low": _significant(min(falls)),
                "high": _significant(max(falls)),
            }
        )
    return sorted(found, key=lambda row: -row["mean"])


def used_columns(assembled: Assembled) -> set[str]:
    """Return the raw columns that the graph reads."""
    return {
        name.removeprefix("column:")
        for node in assembled.builder.nodes
        for name in node["inputs"]
        if name.startswith("column:")
    }


def _significant(value: float | np.floating) -> float:
    return float(f"{value:.6g}")
