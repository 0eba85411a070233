"""Cross-fitting: a model for each fold, stopped by the fold that it does not see; their average.

Every row is learnt from by all models but one, and every row helps to stop one.  The sum of the
trees of K models, with leaves and start values over K, is one ensemble again: it predicts, explains
and is saved like any other.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils._param_validation import Interval, StrOptions

from smelt.ensemble._boosting_loop import Columns, Targets, boost
from smelt.ensemble._boosting_metrics import EvaluationSet
from smelt.ensemble._boosting_rounds import Rounds
from smelt.ensemble._boosting_rows import RowsInMemory
from smelt.ensemble._trees import Trees, join_trees

MOST_ROWS = 100_000  # above which "auto" means one model
AUTO_FOLDS = 5

# Long data want many rounds at small steps; larger steps come as far in the rounds there are.
SMALL_RATE, LARGE_RATE = 0.05, 0.2

FOLDS_CONSTRAINT: dict[str, Any] = {
    "learning_rate": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
    "n_folds": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
}

ACCURATE: dict[str, Any] = {
    "learning_rate": "auto",
    "max_iter": 5000,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 10,
    "l2_regularization": 1.0,
    "max_features": 0.5,
    "n_iter_no_change": 50,
    "n_folds": "auto",
}


class CrossFitted:
    """What estimators with ``n_folds`` share."""

    @classmethod
    def accurate(cls, **changes: Any) -> Any:
        """Return an estimator that is set for accuracy rather than for speed.

        Small steps, small trees of drawn features, as many iterations as left-out rows
        choose, and an average over folds: 5 to 50 times the time of the defaults, which are
        scikit-learn's.  Above 100,000 rows there is one model, and the steps are larger.

        Parameters
        ----------
        **changes
            Parameters that shall differ.

        Returns
        -------
        object
            An estimator with ``learning_rate="auto", max_iter=5000, max_leaf_nodes=15,
            min_samples_leaf=10, l2_regularization=1.0, max_features=0.5,
            n_iter_no_change=50, n_folds="auto"``.
        """
        return cls(**{**ACCURATE, **changes})

    def _rate(self: Any, n_rows: int) -> float:
        return automatic_rate(n_rows) if self.learning_rate == "auto" else float(self.learning_rate)


def automatic_rate(n_rows: int) -> float:
    """Return the learning rate for so many rows: in proportion to them, within bounds."""
    return min(max(SMALL_RATE * n_rows / MOST_ROWS, SMALL_RATE), LARGE_RATE)


def check_folds(estimator: Any, rows: Any, is_watched: bool, goes_on: bool) -> RowsInMemory:
    """Refuse what folds do not go with; return the rows."""
    if not isinstance(rows, RowsInMemory):
        raise ValueError("n_folds needs the rows in memory; use fit.")
    reasons = {
        "eval_set, X_val": is_watched,
        "warm_start, init_model": goes_on or estimator.warm_start,
        "a scoring other than 'loss'": estimator.scoring != "loss",
        "drop_rate (DART, of which no tree can be dropped again)": estimator.drop_rate > 0,
    }
    for name, given in reasons.items():
        if given:
            raise ValueError(f"n_folds does not go with {name}.")
    return rows


def boost_by_folds(
    estimator: Any, rows: RowsInMemory, training: Targets, columns: Columns, eval_metric: Any,
    callbacks: Any,
) -> None:  # fmt: skip
    """Boost on all folds but one, for each, and leave the average of the models."""
    y, weight, _ = training
    estimator.do_early_stopping_ = estimator.early_stopping is not False
    models: list[Trees] = []
    history: dict[str, Any] = {}
    best: list[int] = []
    for k, (train, held) in enumerate(_folds(estimator, y)):
        some = RowsInMemory(rows.X)
        some.index = train
        parts = [None if weight is None else weight[index] for index in (train, held)]
        fold = EvaluationSet(f"fold_{k}", rows.X[held], y[held], parts[1], None)
        rounds = Rounds(estimator, [fold], eval_metric, None, callbacks, 0)
        boost(estimator, some, (y[train], parts[0], None), None, columns, False, None, rounds)
        models.append(estimator.trees_)
        history |= rounds.history
        best.append(estimator.n_iter_)
        if hasattr(estimator, "interrupted_"):
            break
    estimator.__dict__.pop("best_iteration_", None)
    estimator.trees_ = average(models)
    estimator.evals_result_ = history
    estimator.fold_iterations_ = best


def _folds(estimator: Any, y: np.ndarray) -> Any:
    """Return the rows to learn from and the rows left out, for each model."""
    n_folds = estimator.n_folds
    if n_folds == "auto":
        n_folds = AUTO_FOLDS if len(y) <= MOST_ROWS else 1
    if n_folds == 1:
        (train, *_), (held, *_) = estimator._hold_out(np.arange(len(y)), y, None, None)
        return [(train, held)]
    if n_folds > len(y):
        raise ValueError(f"n_folds={n_folds} must be at most the number of rows, {len(y)}.")
    kind = KFold
    if is_classifier(estimator) and np.bincount(y.astype(int)).min() >= n_folds:
        kind = StratifiedKFold
    splitter = kind(n_folds, shuffle=True, random_state=estimator._random_seed)
    return list(splitter.split(np.zeros(len(y)), y))


def average(models: list[Trees]) -> Trees:
    """Return one ensemble whose sum is the mean of the sums of all."""
    share = 1 / len(models)
    scaled = [
        {
            name: values * share
            if name in ("value", "linear_coefficient", "linear_intercept")
            else values
            for name, values in trees.items()
        }
        for trees in models
    ]
    return {
        **join_trees(scaled),
        "baseline": np.mean([trees["baseline"] for trees in models], axis=0),
        "known_categories": models[0]["known_categories"],
    }
