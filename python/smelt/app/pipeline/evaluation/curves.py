"""Curves of the test part, thinned to what a picture needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from smelt.app.pipeline.evaluation.metrics import confusion, decide
from smelt.app.pipeline.selection.threshold import threshold_table

POINTS = 201
SAMPLE = 1_000


def _round(values: Any, digits: int = 6) -> list[float]:
    return [round(float(value), digits) for value in np.asarray(values)]


def _significant(values: Any) -> list[float]:
    return [float(f"{value:.7g}") for value in np.asarray(values)]


def _thin(n: int) -> np.ndarray:
    return np.unique(np.linspace(0, n - 1, min(n, POINTS)).round().astype(np.int64))


def roc_and_precision(target: np.ndarray, score: np.ndarray) -> dict[str, dict[str, list[float]]]:
    """ROC and precision-recall points, at most 201 each."""
    order = np.argsort(-score, kind="stable")
    score, positive = score[order], target[order] == 1
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    tp, n_above = np.cumsum(positive)[last], last + 1
    fp = n_above - tp
    n_positive, n_negative = max(int(tp[-1]), 1), max(int(fp[-1]), 1)
    tpr, fpr = np.append(0.0, tp / n_positive), np.append(0.0, fp / n_negative)
    precision, recall = np.append(1.0, tp / n_above), np.append(0.0, tp / n_positive)
    keep = _thin(len(tpr))
    return {
        "roc": {"fpr": _round(fpr[keep]), "tpr": _round(tpr[keep])},
        "precision_recall": {"precision": _round(precision[keep]), "recall": _round(recall[keep])},
    }


def reliability(target: np.ndarray, score: np.ndarray, bins: int = 10) -> dict[str, list[Any]]:
    """Mean predicted and observed share in bins that hold equally many rows."""
    order = np.argsort(score, kind="stable")
    groups = [
        part for part in np.array_split(order, min(bins, max(1, len(order) // 5))) if len(part)
    ]
    return {
        "predicted": _round([score[group].mean() for group in groups]),
        "observed": _round([target[group].mean() for group in groups]),
        "count": [len(group) for group in groups],
    }


def score_histogram(target: np.ndarray, score: np.ndarray, bins: int = 20) -> dict[str, Any]:
    """Counts of scores for each class."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    counts = [np.histogram(score[target == label], edges)[0].tolist() for label in (0, 1)]
    return {"edges": _round(edges), "counts_by_class": counts}


def classification_curves(
    target: np.ndarray, probability: np.ndarray, threshold: float | None
) -> dict[str, Any]:
    """Everything the report draws of a classifier."""
    k = probability.shape[1]
    predicted = decide(probability, threshold)
    curves: dict[str, Any] = {"confusion": confusion(target, predicted, k).tolist()}
    if k == 2:
        score = probability[:, 1]
        curves |= roc_and_precision(target, score)
        curves["calibration"] = reliability(target, score)
        curves["score_histogram"] = score_histogram(target, score)
        curves["thresholds"] = threshold_table(target, score)
    else:  # how often the model is right when it says that it is sure
        right = (probability.argmax(axis=1) == target).astype(np.int64)
        curves["calibration"] = reliability(right, probability.max(axis=1))
    return curves


def regression_curves(
    target: np.ndarray, value: np.ndarray, rng: np.random.Generator
) -> dict[str, Any]:
    """Residuals and predictions of at most 1,000 sampled rows."""
    n = len(target)
    rows = np.sort(rng.choice(n, SAMPLE, replace=False)) if n > SAMPLE else np.arange(n)
    predicted, actual = value[rows], target[rows]
    return {
        "residuals": {
            "predicted": _significant(predicted),
            "residual": _significant(actual - predicted),
        },
        "predicted_vs_actual": {
            "predicted": _significant(predicted),
            "actual": _significant(actual),
        },
    }
