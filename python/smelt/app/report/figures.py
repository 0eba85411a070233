"""Metrics in words, and numbers as people read them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SPACE = "\u00a0"  #: does not break a line between a number and its unit


@dataclass(frozen=True)
class Metric:
    """How a metric is called, explained and written."""

    name: str
    meaning: str
    lower_is_better: bool = False
    is_share: bool = False


METRICS = {
    "auc": Metric("AUC", "how often a random positive row is ranked above a random other row"),
    "auc_ovr": Metric("AUC, one class against the rest", "mean over the classes"),
    "accuracy": Metric("Accuracy", "share of rows that are right", is_share=True),
    "balanced_accuracy": Metric(
        "Balanced accuracy", "mean over classes of the share found", is_share=True
    ),
    "f1": Metric("F1", "harmonic mean of precision and recall"),
    "f1_macro": Metric("F1, mean of classes", "harmonic mean of precision and recall"),
    "log_loss": Metric("Log loss", "penalty for probabilities that were wrong", True),
    "brier": Metric("Brier score", "squared error of the probabilities", True),
    "rmse": Metric("RMSE", "root of the mean squared error", True),
    "mae": Metric("Mean error", "mean distance from the true value", True),
    "mape": Metric(
        "Mean error in per cent", "mean distance relative to the true value", True, True
    ),
    "r2": Metric("R²", "share of the variation that is explained"),
}


def metric(name: str) -> Metric:
    """Return how a metric is written; one that is not known keeps its own name."""
    return METRICS.get(name) or Metric(name.replace("_", " "), "")


def figure(value: Any, name: str = "") -> str:
    """Return a metric's value as people read it."""
    if value is None or not math.isfinite(value):
        return "–"
    if metric(name).is_share:
        return percent(value)
    if name in ("rmse", "mae") or name not in METRICS:
        return number(value)
    return f"{round(value, 3) + 0.0:.3f}"


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share in per cent."""
    if share is None or not math.isfinite(share):
        return "–"
    if 0 < share < 0.0005:
        return f"< 0.1{SPACE}%"
    return f"{100 * share:.{0 if digits == 0 or share >= 9.995 else digits}f}{SPACE}%"


def number(value: Any) -> str:
    """Return a number with four significant digits and separators of thousands."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1e15 or abs(value) < 1e-4:
        return f"{value:.3g}"
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def date(seconds: float | None) -> str:
    """Return seconds since 1970 UTC as a date."""
    if seconds is None:
        return "–"
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return number(seconds)
    return f"{moment:%Y-%m-%d}" if seconds % 86400 == 0 else f"{moment:%Y-%m-%d %H:%M}"


def short(text: Any, most: int = 48) -> str:
    """Return ``text`` cut to a readable length."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"
