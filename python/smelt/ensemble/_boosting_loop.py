"""The fit of boosting once rows and choices are looked over: bins, iterations, what they leave."""

from __future__ import annotations

import functools
import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from smelt._kernel import kernel
from smelt.ensemble._boosting_metrics import EvaluationSet
from smelt.ensemble._boosting_rounds import Objective, Rounds
from smelt.ensemble._boosting_rows import RowsInBatches, RowsInMemory
from smelt.ensemble._boosting_start import trees_to_go_on_with
from smelt.ensemble._early_stopping import EarlyStoppingScores
from smelt.ensemble._trees import first_trees, join_trees
from smelt.tree._categories import Codes, known_sets

BINNING_ROWS = 200_000
SMALL = 200_000  # rows of which a group of four columns fits in the second-level cache

FLOAT_PARAMETERS = (
    "l2_regularization",
    "max_features",
    "subsample",
    "tol",
    "colsample_bytree",
    "l1_regularization",
    "min_gain_to_split",
    "min_child_weight",
    "drop_rate",
    "skip_drop",
)
INTEGER_PARAMETERS = (
    "min_samples_leaf",
    "max_bins",
    "n_iter_no_change",
    "subsample_freq",
    "leaf_iterations",
    "max_drop",
)


class Columns(NamedTuple):
    """Features as training sees them."""

    codes: Codes | None  #: categories of those that are categorical
    order: np.ndarray  #: which column of new rows each feature is
    own_order: np.ndarray  #: which column of the rows to learn from
    constraints: dict[str, Any]

    def order_of(self, X: Any) -> np.ndarray:
        """Return which column of ``X`` each feature is."""
        return self.own_order if X.shape[1] == self.own_order.max() + 1 else self.order


#: Targets, weights, starts of the queries.
Targets = tuple[np.ndarray, Any, Any]


def boost(
    estimator: Any, rows: RowsInMemory | RowsInBatches, training: Targets, held: Targets | None,
    columns: Columns, again: bool, init_model: Any, rounds: Rounds,
) -> None:  # fmt: skip
    """Bin the rows and add iterations."""
    y, weight, groups = training
    order = columns.order
    known = known_sets(columns.codes, int(order.max()) + 1)
    trees, scores, baseline = _beginning(estimator, training, known, again, init_model)
    before = list(trees)

    def begin(X: Any) -> np.ndarray:
        if before:
            return np.ascontiguousarray(estimator._sum_trees(X, before[0]).T)
        return np.repeat(baseline[:, None], len(X), axis=1)

    bins_of, borders = _find_bins(estimator, rows, len(y), weight, columns)

    def numbers_of(X: Any) -> Any:
        if not estimator.linear_leaves:
            return None
        return np.ascontiguousarray(np.asarray(X)[:, columns.order_of(X)].T, dtype=np.float64)

    side_by_side = 1 if len(y) <= SMALL else 4
    (bins, raw), binned_held = rows.binned(
        lambda X: (bins_of(X, side_by_side), begin(X) if before else None),
        lambda X: (bins_of(X), begin(X)),
    )
    if raw is None:
        raw = baseline[:, None]
    numbers, validation = None, None
    if estimator.linear_leaves and isinstance(rows, RowsInMemory):
        numbers = numbers_of(rows.training())
    if held is not None and binned_held is not None:
        held_numbers = None
        if estimator.linear_leaves and isinstance(rows, RowsInMemory):
            held_numbers = numbers_of(rows.held())
        validation = (binned_held[0], held[0], binned_held[1], held[1], held[2], held_numbers)
        rounds.held = EvaluationSet("val", None, *held)
    rounds.train = EvaluationSet("train", None, *training)
    scores_predictions = estimator.scoring != "loss" and not rounds.sets
    if estimator.do_early_stopping_ and scores_predictions and isinstance(rows, RowsInMemory):
        rounds.scorer = EarlyStoppingScores(estimator, rows, training, held, scores)
    call = functools.partial(
        kernel("ensemble.hist_gradient_boosting_fit"),
        bins,
        y,
        raw,
        sample_weight=weight,
        groups=groups,
        numbers=numbers,
        validation=validation,
        scores=scores,
        random_state=unpack_state(estimator._draws),
        objective=Objective(estimator.loss, y) if callable(estimator.loss) else None,
        **borders,
        **columns.constraints,
        **estimator._loss_parameters(),
        **_tree_parameters(estimator),
        early_stopping=(estimator.do_early_stopping_ and rounds.scorer is None and not rounds.sets),
    )

    def keep(new: Any) -> None:
        for name in ("feature", "linear_feature"):
            if name in new:
                new[name] = order.astype(np.uint32)[new[name]]
        joined = join_trees([*before, new])
        estimator.trees_ = {**joined, "baseline": baseline, "known_categories": known}

    done = estimator.n_iter_ if again else 0
    rounds.keep = keep
    if rounds.scorer is not None and not again:
        keep(call(max_iter=0)["trees"])
        every = np.broadcast_to(raw, (len(raw), len(y)))
        rounds.scorer.add(every, None if validation is None else validation[2])
    found = call(
        max_iter=max(estimator.max_iter - done, 0),
        evaluations=[(bins_of(of.X), begin(of.X), numbers_of(of.X)) for of in rounds.sets],
        monitor=rounds if rounds.is_needed else None,
        wants_trees=rounds.wants_trees,
    )
    keep(found["trees"])
    estimator._draws = pack_state(found["random_state"])
    if rounds.scorer is None:
        scores = (found["train_score"], found["validation_score"])
    estimator.train_score_, estimator.validation_score_ = map(np.asarray, scores)
    _end(estimator, found, rounds)


def _beginning(
    estimator: Any, training: Targets, known: np.ndarray, again: bool, init_model: Any
) -> tuple[list[Any], tuple[list[float], list[float]], np.ndarray]:
    """Return the trees to go on with, the scores so far, and the constant to start from."""
    if again:
        if estimator.max_iter < estimator.n_iter_:
            raise ValueError(
                f"max_iter={estimator.max_iter} must be larger than or equal to "
                f"n_iter_={estimator.n_iter_} when warm_start==True"
            )
        trees = estimator.trees_
        scores = (estimator.train_score_.tolist(), estimator.validation_score_.tolist())
        return [trees], scores, trees["baseline"]
    if init_model is not None:
        trees = trees_to_go_on_with(estimator, init_model, known)
        return [trees], ([], []), trees["baseline"]
    baseline = kernel("ensemble.hist_gradient_boosting_baseline")(
        *training, **estimator._loss_parameters()
    )
    return [], ([], []), baseline


def _end(estimator: Any, found: Any, rounds: Rounds) -> None:
    """Set what evaluation sets and interruptions leave behind."""
    for name in ("evals_result_", "best_iteration_", "best_score_", "interrupted_"):
        estimator.__dict__.pop(name, None)
    if rounds.sets:
        estimator.evals_result_ = rounds.history
    if rounds.sets and rounds.best_iteration:
        dropped = found["n_iter"] - rounds.best_iteration
        estimator.best_iteration_ = estimator.n_iter_ - dropped
        if rounds.stops and estimator.drop_rate == 0 and dropped:
            kept = estimator.best_iteration_ * estimator.n_trees_per_iteration_
            estimator.trees_ = first_trees(estimator.trees_, kept)
    if found["interrupted"]:
        estimator.interrupted_ = True
        warnings.warn(
            f"the fit was interrupted; the {found['n_iter']} iterations done are kept.",
            ConvergenceWarning,
            stacklevel=6,
        )


def _find_bins(
    estimator: Any, rows: RowsInMemory | RowsInBatches, n: int, weight: Any, columns: Columns
) -> tuple[Any, Any]:
    """Return a function that bins rows, and the borders between the bins."""
    drawn = None
    if n > BINNING_ROWS:
        share = None if weight is None else weight / weight.sum()
        drawn = check_random_state(estimator._random_seed).choice(n, BINNING_ROWS, p=share)
        weight = None
    X, drawn = rows.for_borders(drawn)
    found = kernel("ensemble.hist_gradient_boosting_borders")(
        X, weight, drawn, max_bins=estimator.max_bins
    )
    order = columns.own_order
    borders = np.split(found["thresholds"], found["offsets"][1:-1])
    categories = [] if columns.codes is None else columns.codes.categories
    borders = categories + [borders[column] for column in order[len(categories) :]]
    arrays = {
        "thresholds": np.concatenate(borders),
        "offsets": np.cumsum([0, *map(len, borders)], dtype=np.int64),
        "is_categorical": np.arange(len(order)) < len(categories),
    }

    def bins_of(X: Any, side_by_side: int = 0) -> np.ndarray:
        bins: np.ndarray = kernel("ensemble.hist_gradient_boosting_bins")(
            X, columns.order_of(X).astype(np.int64), **arrays, side_by_side=side_by_side
        )
        return bins

    return bins_of, arrays


def _tree_parameters(estimator: Any) -> dict[str, Any]:
    found: dict[str, Any] = {name: float(getattr(estimator, name)) for name in FLOAT_PARAMETERS}
    found |= {name: int(getattr(estimator, name)) for name in INTEGER_PARAMETERS}
    for name in ("max_leaf_nodes", "max_depth"):
        value = getattr(estimator, name)
        found[name] = None if value is None else int(value)
    limit = estimator.max_delta_step
    found["max_delta_step"] = None if limit is None else float(limit)
    goss = (float(estimator.top_rate), float(estimator.other_rate))
    return found | {
        "learning_rate": estimator.learning_rate_,
        "splitter": estimator.splitter,
        "grow_policy": estimator.grow_policy,
        "quantized_gradients": bool(estimator.quantized_gradients),
        "goss": goss if estimator.data_sample_strategy == "goss" else None,
        "linear_regularization": (
            float(estimator.linear_regularization) if estimator.linear_leaves else None
        ),
        "keep_on_interrupt": estimator.on_interrupt == "keep",
    }


def pack_state(state: tuple[int, int, int | None]) -> np.ndarray:
    """State of a PCG64 as 64-bit words: state, increment, whether half a draw is left, and it."""
    words = [part >> shift & 0xFFFF_FFFF_FFFF_FFFF for part in state[:2] for shift in (64, 0)]
    return np.array([*words, state[2] is not None, state[2] or 0], dtype=np.uint64)


def unpack_state(words: np.ndarray) -> tuple[int, int, int | None]:
    """Return the state of a PCG64 that words hold."""
    a, b, c, d, has_half, half = (int(word) for word in words)
    return (a << 64 | b, c << 64 | d, half if has_half else None)
