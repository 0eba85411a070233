"""What the search comes to: members and their weights, calibration, threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from smelt.app.pipeline.evaluation.metrics import selection_loss
from smelt.app.pipeline.models.baseline import SIGNAL, fit_baseline
from smelt.app.pipeline.models.candidates import Problem
from smelt.app.pipeline.selection.calibration import Calibration
from smelt.app.pipeline.selection.calibration import choose as choose_calibration
from smelt.app.pipeline.selection.ensemble import drop_small, greedy_weights
from smelt.app.pipeline.selection.search import Search, Trial
from smelt.app.pipeline.selection.threshold import choose_threshold


@dataclass(frozen=True)
class Chosen:
    """Members and weights, calibration, threshold, and the predictions these were chosen by."""

    members: list[tuple[Trial, float]]
    calibration: Calibration
    threshold: float | None
    predictions: np.ndarray  # out of fold, in the order of the target they were chosen on
    signal: bool

    @property
    def seconds(self) -> float:
        """Time that one fit of all members took."""
        return sum(trial.seconds for trial, _ in self.members)


def choose(search: Search, trials: Sequence[Trial]) -> Chosen:
    """Choose by the out-of-fold predictions of the training part."""
    target = search.target[search.folds.validated]
    predictions = [trial.predictions for trial in trials]
    return _choose(search.problem, search.metric, search.seed, trials, target, predictions)


def choose_again(
    search: Search,
    trials: Sequence[Trial],
    chosen: Chosen,
    test: Mapping[str, np.ndarray],
    test_target: np.ndarray,
) -> Chosen:
    """Weigh and calibrate once more for the final model, by the test part too.

    The test part has been judged by then, and its predictions come from models that never saw it,
    so they are out of fold like the others.  On a small table its rows hold rare cases that the
    training part lacks.  The threshold stays, as the figures of the test part belong to it.
    """
    target = np.concatenate([search.target[search.folds.validated], test_target])
    predictions = [
        np.concatenate([trial.predictions, test[trial.candidate.name]]) for trial in trials
    ]
    found = _choose(search.problem, search.metric, search.seed, trials, target, predictions)
    return replace(found, threshold=chosen.threshold)


def _choose(
    problem: Problem,
    metric: str,
    seed: int,
    trials: Sequence[Trial],
    target: np.ndarray,
    predictions: Sequence[np.ndarray],
) -> Chosen:
    loss = selection_loss(problem.task, metric)
    weights = drop_small(greedy_weights(target, predictions, loss))
    members = [
        (trial, float(weight)) for trial, weight in zip(trials, weights, strict=True) if weight > 0
    ]
    mixed = np.zeros_like(predictions[0])
    for weight, values in zip(weights, predictions, strict=True):
        if weight > 0:
            mixed += weight * values
    constant = fit_baseline(problem, target).predict(len(target))
    signal = loss(target, mixed) < loss(target, constant) * (1 - SIGNAL)
    calibration, threshold = Calibration(), None
    if problem.is_classification:
        rng = np.random.default_rng([seed, 1])
        calibration, mixed = choose_calibration(target, mixed, rng)
        if problem.n_outputs == 2:
            threshold = choose_threshold(target, mixed[:, 1]) if signal else 0.5
    return Chosen(members, calibration, threshold, mixed, signal)
