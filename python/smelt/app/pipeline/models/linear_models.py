"""The linear family: logistic regression and ridge over a path of penalties."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp

from smelt.app.pipeline.evaluation.metrics import log_loss
from smelt.app.pipeline.features.graph import GraphBuilder
from smelt.app.pipeline.features.view import View
from smelt.app.pipeline.models.candidates import MANY_CLASSES, Candidate, Problem
from smelt.app.pipeline.models.fitting import Path, as_probabilities, to_log

# Penalty per row, so that it means the same for a fold and for all rows.
PENALTIES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
NEWTON_SIZE = 1_500  # coefficients × classes up to which Newton's method is the quickest


class Linear:
    """Fits linear models; see :class:`smelt.app.pipeline.models.fitting.Family`."""

    def fit_path(
        self,
        candidate: Candidate,
        problem: Problem,
        view: View,
        train: tuple[Any, np.ndarray],
        valid: tuple[Any, np.ndarray],
        seed: int,
    ) -> Path:
        """Fit one model a penalty, from the strongest to the weakest."""
        X, y = valid
        found: list[np.ndarray] = []
        losses: list[float] = []
        for step in range(len(PENALTIES)):
            model = self.refit(candidate, problem, view, train, step, seed)
            found.append(_predict(candidate, problem, model, X))
            if problem.is_classification:
                losses.append(log_loss(y, found[-1]))
            else:
                losses.append(float(((y - found[-1][:, 0]) ** 2).mean()))
            # A weaker penalty takes the longer, and with many classes long.
            if problem.n_outputs > MANY_CLASSES and step and losses[-1] > losses[-2]:
                break
        return Path(np.asarray(losses), lambda step: found[min(step, len(found) - 1)])

    def refit(
        self,
        candidate: Candidate,
        problem: Problem,
        view: View,
        train: tuple[Any, np.ndarray],
        step: int,
        seed: int,
    ) -> Any:
        """Fit with one penalty."""
        from sklearn.exceptions import ConvergenceWarning

        from smelt.linear_model import LogisticRegression, Ridge

        X, y = train
        penalty = PENALTIES[step] * len(y)
        if not problem.is_classification:
            return Ridge(alpha=penalty).fit(X, to_log(candidate, y))
        small = X.shape[1] * problem.n_outputs <= NEWTON_SIZE and X.shape[1] < len(y)
        newton = small and not sp.issparse(X)
        model = LogisticRegression(
            C=1.0 / penalty, solver="newton-cholesky" if newton else "lbfgs", max_iter=300
        )
        with warnings.catch_warnings():  # the best penalty is found long before the last digit
            warnings.simplefilter("ignore", ConvergenceWarning)
            return model.fit(X, y)

    def add_nodes(
        self, builder: GraphBuilder, problem: Problem, view: View, model: Any, name: str
    ) -> str:
        """Write coefficients and intercepts."""
        coef = np.atleast_2d(np.asarray(model.coef_, dtype=np.float64))
        intercept = np.broadcast_to(np.asarray(model.intercept_, dtype=np.float64), len(coef))
        if problem.n_outputs > 2 and len(coef) < problem.n_outputs:
            coef, intercept = _all_classes(model, problem.n_outputs, coef, intercept)
        return builder.add(
            "linear",
            [view.output],
            name=f"{name}.raw",
            tensors={"coef": coef, "intercept": np.array(intercept)},
        )

    def settings(self, candidate: Candidate, step: int, n_rows: int) -> dict[str, Any]:
        """Name the penalty as per row."""
        return {
            "penalty_per_row": PENALTIES[step],
            "features": "pieces" if candidate.view == "pieces" else "plain",
            "log_target": candidate.log_target,
        }

    def work(self, candidate: Candidate, problem: Problem, n_rows: int, n_features: int) -> float:
        """Rows × features, squared features for a dense solve."""
        width = min(n_features, 500)
        return float(n_rows) * n_features * width * problem.n_outputs * len(PENALTIES)

    def probe(
        self,
        candidate: Candidate,
        problem: Problem,
        view: View,
        train: tuple[Any, np.ndarray],
        seed: int,
    ) -> float:
        """Fit one penalty of the middle."""
        self.refit(candidate, problem, view, train, len(PENALTIES) // 2, seed)
        return 1.0 / len(PENALTIES)


def _predict(candidate: Candidate, problem: Problem, model: Any, X: Any) -> np.ndarray:
    if problem.is_classification:
        return as_probabilities(model, model.predict_proba(X), problem.n_outputs)
    value = np.asarray(model.predict(X), dtype=np.float64)[:, None]
    return np.exp(value) if candidate.log_target else value


def _all_classes(
    model: Any, n_outputs: int, coef: np.ndarray, intercept: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give classes that the rows lack a row of zeros and an intercept that rules them out."""
    if len(coef) == 1:  # two classes of several are there
        coef, intercept = np.vstack([-coef, coef]) / 2, np.append(-intercept, intercept) / 2
    seen = model.classes_.astype(np.int64)
    every, offset = np.zeros((n_outputs, coef.shape[1])), np.full(n_outputs, -30.0)
    every[seen], offset[seen] = coef, intercept
    return every, offset
