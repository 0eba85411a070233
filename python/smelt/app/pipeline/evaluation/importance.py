"""Permutation importance: how much worse the test part is predicted with a column shuffled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from smelt.app.pipeline.evaluation.metrics import LOWER_IS_BETTER, all_metrics
from smelt.app.pipeline.outcome.assemble import Assembled
from smelt.app.pipeline.selection.budget import Budget
from smelt.app.table.columns import to_columns

MOST_ROWS = 2_000
MOST_COLUMNS = 200
ROUNDS = 5
ROWS = 800_000  # predicted in all, without a budget
CELLS_AT_ONCE = 4_000_000


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
    used = used_columns(assembled)
    names = [name for name in frame.columns if name in used][:MOST_COLUMNS]
    frame = frame.select([name for name in frame.columns if name in used])
    n, rounds = frame.height, 2
    if names:
        rounds = int(np.clip(ROWS // (frame.height * len(names)), 2, ROUNDS))
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    before = all_metrics(task, target, assembled.predict(to_columns(frame)))[metric]
    falls: dict[str, list[float]] = {}
    at_once = max(1, CELLS_AT_ONCE // (n * frame.width * rounds))
    for some in _batches(names, at_once):
        if not budget.allows(0.0):
            break
        orders = {name: [rng.permutation(n) for _ in range(rounds)] for name in some}
        predictions = assembled.predict(to_columns(_shuffled(frame, orders, rounds)))
        for name, block in zip(some, np.split(predictions, len(some)), strict=True):
            falls[name] = [
                sign * (before - all_metrics(task, target, part)[metric])
                for part in np.split(block, rounds)
            ]
    found = [
        {
            "column": name,
            "mean": _significant(np.mean(values)),
            "low": _significant(min(values)),
            "high": _significant(max(values)),
        }
        for name, values in falls.items()
    ]
    return sorted(found, key=lambda row: -float(row["mean"]))


def _batches(names: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]


def _shuffled(
    frame: pl.DataFrame, orders: dict[str, list[np.ndarray]], rounds: int
) -> pl.DataFrame:
    """Return copies of the frame below each other, each with one column in another order."""
    as_it_is = np.arange(frame.height)
    columns = []
    for column in frame.iter_columns():
        rows = [
            row
            for name, orders_of_name in orders.items()
            for row in (orders_of_name if name == column.name else [as_it_is] * rounds)
        ]
        columns.append(column.gather(np.concatenate(rows)))
    return pl.DataFrame(columns)


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
