"""Metrics of evaluation sets: by name, or functions of the user's."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import roc_auc_score

from smelt._kernel import kernel

NAMES = '"loss", "rmse", "mae", "auc", "accuracy", "ndcg", "ndcg@k"'


class EvaluationSet(NamedTuple):
    """Rows that a fit is evaluated on."""

    name: str
    X: Any
    y: np.ndarray
    weight: np.ndarray | None
    groups: np.ndarray | None


#: What a metric gives for a set and raw predictions (n_outputs, n): (name, value, more is better).
Metric = Callable[[EvaluationSet, np.ndarray], "list[tuple[str, float, bool]]"]


def find_metrics(estimator: Any, eval_metric: Any) -> list[Metric]:
    """Return the metrics that the user names or gives; by default the loss."""
    if eval_metric is None:
        eval_metric = "loss" if not callable(estimator.loss) else ()
    if isinstance(eval_metric, str) or callable(eval_metric):
        eval_metric = [eval_metric]
    return [
        _of_function(estimator, metric) if callable(metric) else _by_name(estimator, metric)
        for metric in eval_metric
    ]


def _by_name(estimator: Any, name: Any) -> Metric:
    ranking = re.fullmatch(r"ndcg(?:@([1-9]\d*))?", str(name))
    if ranking:
        most = int(ranking[1] or estimator._truncation)
        return lambda rows, raw: [(name, ndcg_of(rows, raw[0], most), True)]
    if name == "loss":
        if callable(estimator.loss):
            raise ValueError("eval_metric='loss' needs a loss that has a name, got a function.")
        return lambda rows, raw: [(name, loss_of(estimator, rows, raw), False)]
    classes = {"auc": _auc, "accuracy": _accuracy}
    numbers = {"rmse": _rmse, "mae": _mae}
    if name in classes and is_classifier(estimator):
        return lambda rows, raw: [(name, classes[name](rows, raw), True)]
    if name in numbers and not is_classifier(estimator):
        link = estimator._evaluated
        return lambda rows, raw: [(name, numbers[name](rows, link(raw)), False)]
    raise ValueError(
        f"eval_metric={name!r} is not known for {type(estimator).__name__}: give one of {NAMES}, "
        "or a function of (y, prediction) that returns (name, value, is_higher_better)."
    )


def _of_function(estimator: Any, function: Any) -> Metric:
    n_arguments = len(inspect.signature(function).parameters)

    def metric(rows: EvaluationSet, raw: np.ndarray) -> list[tuple[str, float, bool]]:
        arguments = (rows.y, estimator._evaluated(raw), rows.weight)
        found = function(*arguments[: min(max(n_arguments, 2), 3)])
        results = found if isinstance(found, list) else [found]
        for one in results:
            sound = isinstance(one, tuple) and len(one) == 3 and isinstance(one[0], str)
            if not sound or not np.isscalar(one[1]) or np.isnan(one[1]):
                raise ValueError(
                    "eval_metric must return (name, value, is_higher_better) with a value that is "
                    f"no NaN, got {one!r:.80}."
                )
        return [(name, float(value), bool(higher)) for name, value, higher in results]

    return metric


def loss_of(estimator: Any, rows: EvaluationSet, raw: np.ndarray) -> float:
    """Return the mean loss of a set."""
    return float(
        kernel("ensemble.hist_gradient_boosting_loss")(
            rows.y, raw, rows.weight, rows.groups, **estimator._loss_parameters()
        )
    )


def _auc(rows: EvaluationSet, raw: np.ndarray) -> float:
    if len(raw) > 1:
        raise ValueError("eval_metric='auc' needs two classes.")
    return float(roc_auc_score(rows.y, raw[0], sample_weight=rows.weight))


def _accuracy(rows: EvaluationSet, raw: np.ndarray) -> float:
    codes = raw[0] > 0 if len(raw) == 1 else raw.argmax(axis=0)
    return float(np.average(codes == rows.y, weights=rows.weight))


def _rmse(rows: EvaluationSet, answer: np.ndarray) -> float:
    return float(np.sqrt(np.average(_errors(rows, answer) ** 2, weights=rows.weight)))


def _mae(rows: EvaluationSet, answer: np.ndarray) -> float:
    return float(np.average(np.abs(_errors(rows, answer)), weights=rows.weight))


def _errors(rows: EvaluationSet, answer: np.ndarray) -> np.ndarray:
    if answer.ndim > 1:
        raise ValueError("eval_metric 'rmse' and 'mae' need one prediction a row.")
    return answer - rows.y


def ndcg_of(rows: EvaluationSet, scores: np.ndarray, most: int) -> float:
    """Mean NDCG of the queries; 1 where all rows are irrelevant."""
    if rows.groups is None:
        raise ValueError("eval_metric='ndcg' needs queries: it is for HistGradientBoostingRanker.")
    values, weights = [], []
    for start, stop in pairwise(rows.groups):
        y = rows.y[start:stop]
        discount = 1 / np.log2(2 + np.arange(min(most, len(y))))
        best = ((2.0 ** np.sort(y)[::-1][:most] - 1) * discount).sum()
        ranked = y[np.argsort(-scores[start:stop], kind="stable")][:most]
        values.append(((2.0**ranked - 1) * discount).sum() / best if best > 0 else 1.0)
        weights.append(1.0 if rows.weight is None else rows.weight[start:stop].mean())
    return float(np.average(values, weights=weights))
