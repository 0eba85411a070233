"""What fitting a candidate on one fold gives, for every family alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from smelt.app.pipeline.features.graph import GraphBuilder
from smelt.app.pipeline.features.view import View
from smelt.app.pipeline.models.candidates import Candidate, Problem


@dataclass(frozen=True)
class Path:
    """A fit with one setting left open: rounds of boosting, or strength of a penalty.

    ``losses[step]`` is the loss of the validation rows for each value of the open setting;
    ``predict(step)`` gives their predictions, n×k.  ``done`` is the work that the fit took, over
    what the family had foretold.
    """

    losses: np.ndarray
    predict: Callable[[int], np.ndarray]
    done: float = 1.0


class Family(Protocol):
    """A model family: fits paths and final models, and writes models into a graph."""

    def fit_path(
        self,
        candidate: Candidate,
        problem: Problem,
        view: View,
        train: tuple[Any, np.ndarray],
        valid: tuple[Any, np.ndarray],
        seed: int,
    ) -> Path:
        """Fit on ``train`` for every value of the open setting and judge on ``valid``."""

    def refit(
        self,
        candidate: Candidate,
        problem: Problem,
        view: View,
        train: tuple[Any, np.ndarray],
        step: int,
        seed: int,
    ) -> Any:
        """Fit one final model."""

    def add_nodes(
        self, builder: GraphBuilder, problem: Problem, view: View, model: Any, name: str
    ) -> str:
        """Write a model into the graph and return its raw output."""

    def settings(self, candidate: Candidate, step: int, n_rows: int) -> dict[str, Any]:
        """Return the settings for people, the chosen one among them."""

    def work(self, candidate: Candidate, problem: Problem, n_rows: int, n_features: int) -> float:
        """Return a number that grows with the time of one fit."""

    def probe(
        self,
        candidate: Candidate,
        problem: Problem,
        view: View,
        train: tuple[Any, np.ndarray],
        seed: int,
    ) -> float:
        """Fit a little, to learn the speed of the machine; return the share of a fit's work."""


def to_log(candidate: Candidate, target: np.ndarray) -> np.ndarray:
    """Return what the model is fitted on: the target or its logarithm."""
    return np.log(target) if candidate.log_target else target


def as_probabilities(model: Any, found: np.ndarray, n_outputs: int) -> np.ndarray:
    """Spread probabilities over all classes: a fold may lack the rarest."""
    if found.shape[1] == n_outputs:
        return found
    every = np.zeros((len(found), n_outputs))
    every[:, model.classes_.astype(np.int64)] = found
    return every
