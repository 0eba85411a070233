"""What happens between two iterations of boosting: custom gradients, metrics, early stopping."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from smelt.ensemble._boosting_metrics import EvaluationSet, Metric, find_metrics, loss_of


class Objective:
    """Gradients and curvatures from a function of the user's, looked over."""

    def __init__(self, function: Callable[..., Any], y: np.ndarray) -> None:
        self.function, self.y = function, y

    def __call__(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return both for raw predictions (n_outputs, n), in the same shape."""
        shown = raw[0] if len(raw) == 1 else np.ascontiguousarray(raw.T)
        found = self.function(self.y, shown)
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise ValueError(
                "a custom loss must return two arrays, gradient and curvature, got "
                f"{type(found).__name__}."
            )
        parts = []
        for name, part in zip(("gradient", "curvature"), found, strict=True):
            part = np.asarray(part, dtype=np.float64)
            if part.shape != shown.shape:
                raise ValueError(
                    f"the {name} that the custom loss returned has shape {part.shape}, expected "
                    f"{shown.shape}, that of the raw predictions."
                )
            if not np.isfinite(part).all():
                raise ValueError(f"the {name} that the custom loss returned is not finite.")
            parts.append(np.ascontiguousarray(np.atleast_2d(part.T)))
        return parts[0], parts[1]


class Rounds:
    """Looks at each iteration: scores, metrics, callbacks, a line of text; says when to stop."""

    def __init__(
        self, estimator: Any, sets: list[EvaluationSet], eval_metric: Any, stop_on: Any,
        callbacks: Any, done: int,
    ) -> None:  # fmt: skip
        self.estimator, self.sets, self.done = estimator, sets, done
        self.metrics: list[Metric] = find_metrics(estimator, eval_metric) if sets else []
        self.callbacks = list(callbacks or ())
        for callback in self.callbacks:
            if not callable(callback):
                raise TypeError(f"callbacks must be functions, got {callback!r:.40}.")
        self.history: dict[str, dict[str, list[float]]] = {rows.name: {} for rows in sets}
        self.higher: dict[str, bool] = {}
        self.stops = bool(sets) and estimator.do_early_stopping_
        self.stop_on = (stop_on,) if isinstance(stop_on, str) else tuple(stop_on or ())
        if self.stop_on and self.stop_on[0] not in self.history:
            raise ValueError(
                f"stop_on names the set {self.stop_on[0]!r}, but eval_set has {list(self.history)}."
            )
        self.best_iteration = 0
        self.best_score = -np.inf
        self.scorer: Any = None
        self.keep: Callable[[Any], None] = lambda trees: None
        self.held: EvaluationSet | None = None
        self.train: EvaluationSet | None = None
        self.since = perf_counter()

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to do."""
        watched = self.sets or self.callbacks or self.scorer is not None
        return bool(watched or self.estimator.verbose >= 2)

    @property
    def wants_trees(self) -> bool:
        """Whether the trees so far are looked at."""
        return self.scorer is not None or self.estimator.verbose >= 2

    def __call__(
        self, n_iter: int, raw: np.ndarray, held: Any, evaluations: Any, trees: Any
    ) -> bool:
        """Look at an iteration; return whether to stop."""
        stop = False
        for rows, raw_of_set in zip(self.sets, evaluations, strict=True):
            for metric in self.metrics:
                for name, value, is_higher_better in metric(rows, raw_of_set):
                    self.history[rows.name].setdefault(name, []).append(value)
                    self.higher[name] = is_higher_better
        if self.sets and self.higher:
            stop = self._has_stalled(n_iter)
        if self.scorer is not None:
            self.keep(trees)
            stop |= self.scorer.add(raw, held)
        if self.estimator.verbose >= 2:
            self._print(n_iter, raw, held, trees)
        state = {"iteration": self.done + n_iter, "evals_result": self.history}
        for callback in self.callbacks:
            stop |= callback({**state, "model": self.estimator}) is True
        return bool(stop)

    def _has_stalled(self, n_iter: int) -> bool:
        name = self.stop_on[0] if self.stop_on else self.sets[-1].name
        of_set = self.history[name]
        metric = self.stop_on[1] if len(self.stop_on) > 1 else next(iter(of_set))
        if metric not in of_set:
            raise ValueError(f"stop_on names the metric {metric!r}, but there is {list(of_set)}.")
        score = of_set[metric][-1] * (1 if self.higher[metric] else -1)
        if score > self.best_score + (self.estimator.tol if self.best_iteration else 0):
            self.best_score, self.best_iteration = score, n_iter
        return self.stops and n_iter - self.best_iteration >= self.estimator.n_iter_no_change

    def _print(self, n_iter: int, raw: np.ndarray, held: Any, trees: Any) -> None:
        estimator = self.estimator
        n_trees = estimator.n_trees_per_iteration_
        start = trees["tree_offsets"][-1 - n_trees]
        n_leaves = int((trees["left"][start:] == 0).sum())
        text = f"[{self.done + n_iter}/{estimator.max_iter}] {n_trees} tree{'s' * (n_trees > 1)}, "
        text += f"{n_leaves} leaves, max depth = {int(trees['depth'][start:].max())}, "
        if self.scorer is not None:
            for part, values in zip(("train", "val"), self.scorer.scores, strict=True):
                text += f"{part} score: {values[-1]:.5f}, " if values else ""
        elif estimator.do_early_stopping_ and not callable(estimator.loss):
            for part, rows, of in (("train", self.train, raw), ("val", self.held, held)):
                if rows is not None:
                    text += f"{part} loss: {loss_of(estimator, rows, of):.5f}, "
        for name, of_set in self.history.items():
            text += "".join(f"{name} {key}: {v[-1]:.5f}, " for key, v in of_set.items())
        now = perf_counter()
        print(f"{text}in {now - self.since:0.3f}s")
        self.since = now
