"""How sure a figure of the test part is: percentile intervals from resampled rows."""

from __future__ import annotations

import numpy as np

from smelt.app.pipeline.evaluation.metrics import all_metrics

RESAMPLES = 400
FEWEST_RESAMPLES = 100
WORK = 8_000_000  # rows × classes × resamples that stay well under ten seconds


def bootstrap(
    task: str,
    target: np.ndarray,
    prediction: np.ndarray,
    threshold: float | None,
    rng: np.random.Generator,
    *,
    coverage: float = 0.95,
) -> dict[str, dict[str, float | None]]:
    """Return ``{metric: {value, low, high}}`` with bounds from resampling the rows."""
    n = len(target)
    values = all_metrics(task, target, prediction, threshold)
    rounds = int(np.clip(WORK // (n * prediction.shape[1]), FEWEST_RESAMPLES, RESAMPLES))
    drawn: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(rounds):
        weight = np.bincount(rng.integers(0, n, n), minlength=n).astype(float)
        for name, value in all_metrics(task, target, prediction, threshold, weight).items():
            drawn[name].append(value)
    tail = (1.0 - coverage) / 2
    intervals: dict[str, dict[str, float | None]] = {}
    for name, value in values.items():
        finite = np.asarray([v for v in drawn[name] if np.isfinite(v)])
        low, high = np.quantile(finite, [tail, 1 - tail]) if len(finite) else (None, None)
        intervals[name] = {"value": number(value), "low": number(low), "high": number(high)}
    return intervals


def number(value: float | np.floating | None) -> float | None:
    """Return a float that JSON can hold: None for NaN and infinities."""
    return None if value is None or not np.isfinite(value) else float(value)
