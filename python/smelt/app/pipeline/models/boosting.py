"""The boosted trees: early stopping inside the folds, a refit on the rounds found there."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from smelt.app.pipeline.features.graph import GraphBuilder
from smelt.app.pipeline.features.view import View
from smelt.app.pipeline.models.candidates import Candidate, Problem
from smelt.app.pipeline.models.fitting import Path, as_probabilities, to_log
from smelt.ensemble._trees import cut_trees

MOST_ROUNDS = 1_500
MOST_TREES = 6_000  # rounds × classes
PROBE_ROUNDS = 10
PATIENCE = 2.0  # rounds without a gain before stopping, over the learning rate


class Boosting:
    """Fits boosted trees; see :class:`smelt.app.pipeline.models.fitting.Family`."""

    def fit_path(
        self,
        candidate: Candidate,
        problem: Problem,
        view: View,
        train: tuple[Any, np.ndarray],
        valid: tuple[Any, np.ndarray],
        seed: int,
    ) -> Path:
        """Fit until the validation rows no longer gain; every round is a step."""
        (X, y), (X_valid, y_valid) = train, valid
        known = np.ones(len(y_valid), dtype=bool)
        if problem.is_classification:
            known = np.isin(y_valid, np.unique(y))
        model = _model(candidate, problem, view, most_rounds(candidate, problem), seed)
        model.set_params(
            early_stopping=True,
            n_iter_no_change=max(10, round(PATIENCE / candidate.params["learning_rate"])),
            tol=0.0,
        )
        model.fit(
            X,
            to_log(candidate, y),
            X_val=X_valid[known],
            y_val=to_log(candidate, y_valid[known]),
        )
        losses = -np.asarray(model.validation_score_[1:], dtype=np.float64)

        def predict(step: int) -> np.ndarray:
            return _predict(candidate, problem, model, X_valid, min(step, model.n_iter_ - 1) + 1)

        return Path(losses, predict, len(losses) / expected_rounds(candidate, problem))

    def refit(
        self,
        candidate: Candidate,
        problem: Problem,
        view: View,
        train: tuple[Any, np.ndarray],
        step: int,
        seed: int,
    ) -> Any:
        """Fit ``step + 1`` rounds."""
        X, y = train
        model = _model(candidate, problem, view, step + 1, seed)
        model.set_params(early_stopping=False)
        return model.fit(X, to_log(candidate, y))

    def add_nodes(
        self, builder: GraphBuilder, problem: Problem, view: View, model: Any, name: str
    ) -> str:
        """Write the trees."""
        from smelt.export.graph_nodes import estimator_nodes

        output = f"{name}.raw"
        builder.extend(*estimator_nodes(model, view.output, output, output))
        return output

    def settings(self, candidate: Candidate, step: int, n_rows: int) -> dict[str, Any]:
        """Return the parameters with the rounds found."""
        return {
            **candidate.params,
            "max_iter": step + 1,
            "log_target": candidate.log_target,
            "ordered_categories": candidate.ordered,
        }

    def work(self, candidate: Candidate, problem: Problem, n_rows: int, n_features: int) -> float:
        """Rows × features looked at × depth × expected rounds."""
        params = candidate.params
        features = max(1.0, n_features * float(params["max_features"]))
        depth = np.log2(params["max_leaf_nodes"])
        trees = problem.n_outputs if problem.task == "multiclass" else 1
        rounds = expected_rounds(candidate, problem)
        one = n_rows * features * depth + 20_000.0 * params["max_leaf_nodes"]
        return float(one * rounds * trees)

    def probe(
        self,
        candidate: Candidate,
        problem: Problem,
        view: View,
        train: tuple[Any, np.ndarray],
        seed: int,
    ) -> float:
        """Fit ten rounds."""
        self.refit(candidate, problem, view, train, PROBE_ROUNDS - 1, seed)
        return PROBE_ROUNDS / expected_rounds(candidate, problem)


def expected_rounds(candidate: Candidate, problem: Problem) -> float:
    """Return the rounds that a fit is reckoned to take before the validation rows gain no more."""
    return float(min(20.0 / candidate.params["learning_rate"], _rounds(problem)))


def most_rounds(candidate: Candidate, problem: Problem) -> int:
    """Return the rounds after which a fit ends, gain or no gain."""
    most = _rounds(problem)
    return most if candidate.most_rounds is None else min(most, candidate.most_rounds)


def _rounds(problem: Problem) -> int:
    trees = problem.n_outputs if problem.task == "multiclass" else 1
    return max(50, min(MOST_ROUNDS, MOST_TREES // trees))


def _model(candidate: Candidate, problem: Problem, view: View, rounds: int, seed: int) -> Any:
    from smelt.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = (
        HistGradientBoostingClassifier
        if problem.is_classification
        else HistGradientBoostingRegressor
    )
    return kind(
        **candidate.params,
        max_iter=rounds,
        categorical_features=None if candidate.ordered else view.categorical or None,
        random_state=seed,
    )


def _predict(candidate: Candidate, problem: Problem, model: Any, X: Any, rounds: int) -> np.ndarray:
    """Predict with the first rounds alone."""
    first = copy.copy(model)
    first.trees_ = cut_trees(model.trees_, 0, rounds * model.n_trees_per_iteration_)
    if problem.is_classification:
        return as_probabilities(model, first.predict_proba(X), problem.n_outputs)
    value = np.asarray(first.predict(X), dtype=np.float64)[:, None]
    return np.exp(value) if candidate.log_target else value
