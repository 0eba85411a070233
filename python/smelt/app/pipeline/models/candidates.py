"""The portfolio: what is tried, in which order, for how much data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

FAMILIES = ("linear", "boosting")


@dataclass(frozen=True)
class Problem:
    """The task in numbers: ``n_outputs`` is the number of classes, or 1 for a regression."""

    task: str
    n_outputs: int
    skewed: bool = False  # a positive target whose logarithm is much less skewed

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return self.task != "regression"


@dataclass(frozen=True)
class Limit:
    """What size or time kept a candidate from: not tried at all, or cut short; and why."""

    name: str
    what: str


@dataclass(frozen=True)
class Candidate:
    """One way to train a model: a family, its settings, the features it sees.

    ``view`` is "trees", "linear" or "pieces"; ``log_target`` fits the logarithm of the target;
    ``ordered`` takes category codes, which go by frequency, as numbers instead of sets;
    ``most_rounds`` is what a time budget or the size of the table leaves of the rounds of boosting.
    """

    name: str
    family: str
    view: str
    params: Mapping[str, Any] = field(default_factory=dict)
    log_target: bool = False
    ordered: bool = False
    most_rounds: int | None = None


def _boosting(
    learning_rate: float, leaves: int, min_leaf: int, l2: float, max_features: float
) -> dict[str, Any]:
    return {
        "learning_rate": learning_rate,
        "max_leaf_nodes": leaves,
        "min_samples_leaf": min_leaf,
        "l2_regularization": l2,
        "max_features": max_features,
    }


# Ordered: the first ones bring the most, each further one differs from those before it.
_FOR_CLASSES = (
    _boosting(0.08, 31, 20, 0.0, 1.0),
    _boosting(0.05, 24, 15, 1.0, 0.5),
    _boosting(0.05, 16, 5, 1.0, 0.6),
    _boosting(0.06, 6, 20, 1.0, 0.6),
    _boosting(0.04, 64, 15, 3.0, 0.4),
    _boosting(0.04, 31, 8, 3.0, 0.3),
)
_FOR_NUMBERS = (
    _boosting(0.08, 31, 20, 0.0, 1.0),
    _boosting(0.06, 24, 15, 1.0, 0.5),
    _boosting(0.05, 64, 15, 3.0, 0.4),
    _boosting(0.06, 16, 5, 1.0, 0.6),
    _boosting(0.04, 110, 8, 2.0, 0.5),
    _boosting(0.05, 31, 8, 3.0, 0.3),
)
_LARGE = (_boosting(0.1, 63, 30, 1.0, 0.8), _boosting(0.1, 127, 60, 5.0, 0.5))
LARGE_ROWS = 150_000
MANY_CLASSES = 12
VERY_MANY_CLASSES = 50
# Rows × features × outputs up to which so many boosting candidates are tried.
_HOW_MANY = ((1_500_000, 6), (4_000_000, 5), (10_000_000, 4), (30_000_000, 3))


def is_skewed(target: np.ndarray) -> bool:
    """Whether a target is positive and its logarithm much less skewed than it is."""
    if len(target) < 30 or target.min() <= 0:
        return False
    before, after = _skewness(target), _skewness(np.log(target))
    return before > 0.8 and abs(after) < before / 2


def _skewness(values: np.ndarray) -> float:
    centred = values - values.mean()
    deviation = centred.std()
    return float((centred**3).mean() / deviation**3) if deviation > 0 else 0.0


def portfolio(
    problem: Problem, n_rows: int, n_columns: int, families: Sequence[str]
) -> tuple[list[Candidate], list[Limit]]:
    """Return the candidates for a table, the most promising first, and what its size rules out."""
    boosting: list[Candidate] = []
    limits: list[Limit] = []
    cells = n_rows * n_columns * max(1, problem.n_outputs if problem.task == "multiclass" else 1)
    settings: Sequence[Mapping[str, Any]] = _LARGE
    if n_rows <= LARGE_ROWS:
        settings = _FOR_CLASSES if problem.is_classification else _FOR_NUMBERS
        every, reason = len(settings), f"{n_rows:,} rows × {n_columns:,} columns"
        settings = settings[: next((many for most, many in _HOW_MANY if cells <= most), 2)]
        # Each round is a tree a class; more columns than rows need little and cost much.
        if problem.n_outputs > MANY_CLASSES or n_columns > n_rows:
            settings = settings[: 1 if problem.n_outputs > VERY_MANY_CLASSES else 2]
        if problem.task == "multiclass":
            reason += f" × {problem.n_outputs} classes"
        if "boosting" in families:
            limits += [
                Limit(f"boosting-{number + 1}", f"not tried: {reason}")
                for number in range(len(settings), every)
            ]
    for number, params in enumerate(settings):
        params = dict(params)
        if n_rows < 600:  # small leaves, or a small table has no splits at all
            params["min_samples_leaf"] = max(3, min(params["min_samples_leaf"], n_rows // 30))
        log_target = problem.skewed and number % 2 == 1
        boosting.append(
            Candidate(
                f"boosting-{number + 1}",
                "gradient boosting",
                "trees",
                params,
                log_target,
                ordered=number % 2 == 1,
            )
        )
    linear = [
        Candidate("linear", "linear", "linear", log_target=problem.skewed),
        Candidate("linear-pieces", "linear", "pieces", log_target=problem.skewed),
    ]
    few_rows = n_columns > n_rows or n_rows < 100
    if few_rows or problem.n_outputs > VERY_MANY_CLASSES:
        if "linear" in families:
            reason = "few rows" if few_rows else f"{problem.n_outputs} classes"
            limits.append(Limit(linear[1].name, f"not tried: {reason}"))
        linear = linear[:1]
    chosen = {"boosting": boosting, "linear": linear}
    first = [candidate for family in families for candidate in chosen[family][:1]]
    first.sort(key=lambda candidate: candidate.family == "gradient boosting")
    rest = [candidate for family in families for candidate in chosen[family][1:]]
    return first + rest, limits
