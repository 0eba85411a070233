"""Early stopping by a scorer (early stopping by the loss is done in the kernel)."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils import resample

from smelt.ensemble._boosting_rows import RowsInMemory

SCORING_ROWS = 10_000


class EarlyStoppingScores:
    """Scores a model under way on a part of the training rows and on the validation rows.

    While a scorer runs, ``estimator._scored`` is this object: predictions then take rows that are
    arranged already, and those for scikit-learn's own scorers reuse the raw predictions at hand.
    """

    def __init__(
        self, estimator: Any, rows: RowsInMemory, training: Any, held: Any, scores: tuple[Any, Any]
    ) -> None:
        self.estimator, self.scores = estimator, scores
        self.scorer = check_scoring(estimator, estimator.scoring)
        self.knows_raw = isinstance(estimator.scoring, str) and (
            estimator.scoring in get_scorer_names()
        )
        self.raw: np.ndarray | None = None
        y, weight, _ = training
        self.chosen: Any = slice(None)
        if len(y) > SCORING_ROWS:
            self.chosen = resample(
                np.arange(len(y)),
                n_samples=SCORING_ROWS,
                replace=False,
                random_state=estimator._random_seed,
                stratify=y if is_classifier(estimator) else None,
            )
        weight = None if weight is None else weight[self.chosen]
        self.train = (rows.training(self.chosen), self._targets(y[self.chosen]), weight)
        self.held = None
        if held is not None:
            self.held = (rows.held(), self._targets(held[0]), held[1])

    def _targets(self, y: np.ndarray) -> Any:
        return self.estimator.classes_[y.astype(int)] if is_classifier(self.estimator) else y

    def _score(self, rows: Any, raw: np.ndarray) -> float:
        X, y, weight = rows
        self.raw = np.ascontiguousarray(raw.T) if self.knows_raw else None
        options = {} if weight is None else {"sample_weight": weight}
        self.estimator._scored = self
        try:
            return float(self.scorer(self.estimator, X, y, **options))
        finally:
            del self.estimator._scored

    def add(self, raw: np.ndarray, held: Any) -> bool:
        """Append the scores of the present model; return whether they no longer get better."""
        self.scores[0].append(self._score(self.train, raw[:, self.chosen]))
        if self.held is not None:
            self.scores[1].append(self._score(self.held, held))
        scores = self.scores[0] if self.held is None else self.scores[1]
        window = self.estimator.n_iter_no_change + 1
        if len(scores) < window:
            return False
        reference = scores[-window] + self.estimator.tol
        return not any(score > reference for score in scores[1 - window :])
