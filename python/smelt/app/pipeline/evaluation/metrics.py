"""Metrics on arrays, with row weights, so that a bootstrap resample is only another weight."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Task = str
_TINY = 1e-15

LOWER_IS_BETTER = frozenset({"log_loss", "brier", "rmse", "mae", "mape"})
NAMES: dict[Task, tuple[str, ...]] = {
    "binary": ("auc", "log_loss", "accuracy", "balanced_accuracy", "f1", "brier"),
    "multiclass": ("log_loss", "accuracy", "balanced_accuracy", "f1_macro", "auc_ovr"),
    "regression": ("rmse", "mae", "r2", "mape"),
}
DEFAULT: dict[Task, str] = {"binary": "auc", "multiclass": "log_loss", "regression": "rmse"}


def better(name: str, first: float, second: float) -> bool:
    """Whether ``first`` is a better value of the metric than ``second`` (NaN is never better)."""
    return first < second if name in LOWER_IS_BETTER else first > second


def decide(probability: np.ndarray, threshold: float | None) -> np.ndarray:
    """Return predicted class numbers: the threshold for two classes, else the most probable."""
    if threshold is not None:
        return (probability[:, 1] >= threshold).astype(np.int64)
    return probability.argmax(axis=1)


def auc(target: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Area under the ROC curve: the share of (positive, negative) pairs in the right order."""
    weight = np.ones(len(target)) if weight is None else weight
    order = np.argsort(score, kind="stable")
    score, positive = score[order], target[order] == 1
    up = np.where(positive, weight[order], 0.0)
    down = np.where(positive, 0.0, weight[order])
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    ups = np.diff(np.cumsum(up)[last], prepend=0.0)  # weight of positives at each distinct score
    below = np.cumsum(down)[last]
    downs = np.diff(below, prepend=0.0)
    pairs = up.sum() * down.sum()
    return float((ups * (below - 0.5 * downs)).sum() / pairs) if pairs > 0 else float("nan")


def log_loss(
    target: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None
) -> float:
    """Mean of -ln(probability of the true class)."""
    chosen = probability[np.arange(len(target)), target]
    return float(np.average(-np.log(np.clip(chosen, _TINY, 1.0)), weights=weight))


def confusion(
    target: np.ndarray, predicted: np.ndarray, k: int, weight: np.ndarray | None = None
) -> np.ndarray:
    """Count rows (true, predicted) as a k×k matrix."""
    return np.bincount(target * k + predicted, weights=weight, minlength=k * k).reshape(k, k)


def _from_confusion(matrix: np.ndarray) -> dict[str, float]:
    hits, true, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    there = true > 0
    recall = hits[there] / true[there]
    both = true + predicted
    f1 = 2 * hits[both > 0] / both[both > 0]
    return {
        "accuracy": float(hits.sum() / matrix.sum()),
        "balanced_accuracy": float(recall.mean()),
        "f1": float(2 * hits[-1] / both[-1]) if both[-1] > 0 else 0.0,
        "f1_macro": float(f1.mean()),
    }


def classification(
    target: np.ndarray,
    probability: np.ndarray,
    threshold: float | None = None,
    weight: np.ndarray | None = None,
) -> dict[str, float]:
    """All metrics of a classification; two classes have their own list."""
    k = probability.shape[1]
    values = _from_confusion(confusion(target, decide(probability, threshold), k, weight))
    values["log_loss"] = log_loss(target, probability, weight)
    if k == 2:
        values["auc"] = auc(target, probability[:, 1], weight)
        values["brier"] = float(np.average((probability[:, 1] - target) ** 2, weights=weight))
        return {name: values[name] for name in NAMES["binary"]}
    areas = [
        auc((target == label).astype(np.int64), probability[:, label], weight) for label in range(k)
    ]
    known = [area for area in areas if area == area]
    values["auc_ovr"] = float(np.mean(known)) if known else float("nan")
    return {name: values[name] for name in NAMES["multiclass"]}


def regression(
    target: np.ndarray, value: np.ndarray, weight: np.ndarray | None = None
) -> dict[str, float]:
    """All metrics of a regression; ``mape`` leaves out rows whose target is 0."""
    residual = target - value
    squared = float(np.average(residual**2, weights=weight))
    centre = np.average(target, weights=weight)
    spread = float(np.average((target - centre) ** 2, weights=weight))
    nonzero = target != 0
    shares = np.abs(residual[nonzero] / target[nonzero])
    some = None if weight is None else weight[nonzero]
    counted = nonzero.any() and (some is None or some.sum() > 0)
    return {
        "rmse": squared**0.5,
        "mae": float(np.average(np.abs(residual), weights=weight)),
        "r2": 1.0 - squared / spread if spread > 0 else float("nan"),
        "mape": float(np.average(shares, weights=some)) if counted else float("nan"),
    }


def all_metrics(
    task: Task,
    target: np.ndarray,
    prediction: np.ndarray,
    threshold: float | None = None,
    weight: np.ndarray | None = None,
) -> dict[str, float]:
    """All metrics of the task for an n×k array of probabilities, or n×1 of values."""
    if task == "regression":
        return regression(target, prediction[:, 0], weight)
    return classification(target, prediction, threshold, weight)


def selection_loss(task: Task, metric: str) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return the loss by which candidates are tuned and weighed.

    Log loss for classes (AUC and accuracy are too coarse to weigh members by), root mean square
    for numbers, mean absolute error when the user asks for that.
    """
    if task != "regression":
        return log_loss
    if metric in ("mae", "mape"):
        return lambda target, value: float(np.abs(target - value[:, 0]).mean())
    return lambda target, value: float(((target - value[:, 0]) ** 2).mean() ** 0.5)
