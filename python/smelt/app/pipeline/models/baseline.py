"""What a model must beat: always the same answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smelt.app.pipeline.models.candidates import Problem

SIGNAL = 0.005  # relative gain of the loss below which a model says nothing new


@dataclass(frozen=True)
class Baseline:
    """A name and the one prediction it makes, a row of k probabilities or one value."""

    name: str
    row: np.ndarray

    def predict(self, n_rows: int) -> np.ndarray:
        """Return the same prediction for every row."""
        return np.tile(self.row, (n_rows, 1))


def fit_baseline(problem: Problem, target: np.ndarray) -> Baseline:
    """Return the shares of the classes, or the mean."""
    if problem.is_classification:
        shares = np.bincount(target, minlength=problem.n_outputs) / len(target)
        return Baseline("always the most frequent class", shares)
    return Baseline("always the mean", np.array([target.mean()]))
