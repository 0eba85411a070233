"""What classifier and regressor share: inputs, bins, validation rows, iterations, scores."""

from __future__ import annotations

import functools
import itertools
from numbers import Integral, Real
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, _fit_context, is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.validation import (
    _check_monotonic_cst,
    _check_sample_weight,
    _check_y,
    check_consistent_length,
    check_is_fitted,
)
from sklearn.utils.validation import validate_data as _validate_data

from smelt._kernel import kernel
from smelt._validate import FLOATS, validate_predict
from smelt.ensemble._categories import (
    Codes,
    categorical_mask,
    codes_as_they_are,
    fit_encoder,
    known_sets,
)
from smelt.ensemble._early_stopping import EarlyStoppingScores
from smelt.ensemble._trees import cut_trees, join_trees, predicting

BINNING_ROWS = 200_000

FLOAT_PARAMETERS = (
    "learning_rate",
    "l2_regularization",
    "max_features",
    "subsample",
    "tol",
    "colsample_bytree",
    "l1_regularization",
    "min_gain_to_split",
    "min_child_weight",
)
INTEGER_PARAMETERS = ("min_samples_leaf", "max_bins", "n_iter_no_change", "subsample_freq")


class BaseHistGradientBoosting(BaseEstimator):
    """Base of the histogram gradient boosting estimators."""

    _parameter_constraints: dict[str, Any] = {  # noqa: RUF012  (scikit-learn's protocol)
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_leaf_nodes": [Interval(Integral, 2, None, closed="left"), None],
        "max_depth": [Interval(Integral, 1, None, closed="left"), None],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left")],
        "l2_regularization": [Interval(Real, 0, None, closed="left")],
        "max_features": [Interval(RealNotInt, 0, 1, closed="right")],
        "monotonic_cst": ["array-like", dict, None],
        "interaction_cst": [
            list,
            tuple,
            StrOptions({"pairwise", "no_interactions"}),
            None,
        ],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [
            Interval(RealNotInt, 0, 1, closed="neither"),
            Interval(Integral, 1, None, closed="left"),
            None,
        ],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_bins": [Interval(Integral, 2, 255, closed="both")],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "warm_start": ["boolean"],
        "early_stopping": [StrOptions({"auto"}), "boolean"],
        "scoring": [str, callable, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "subsample": [Interval(Real, 0, 1, closed="right")],
        "subsample_freq": [Interval(Integral, 1, None, closed="left")],
        "colsample_bytree": [Interval(Real, 0, 1, closed="right")],
        "l1_regularization": [Interval(Real, 0, None, closed="left")],
        "min_gain_to_split": [Interval(Real, 0, None, closed="left")],
        "min_child_weight": [Interval(Real, 0, None, closed="left")],
        "max_delta_step": [Interval(Real, 0, None, closed="neither"), None],
        "splitter": [StrOptions({"best", "random"})],
        "grow_policy": [StrOptions({"leaf-wise", "depth-wise", "symmetric"})],
    }

    trees_: dict[str, Any]
    train_score_: np.ndarray
    validation_score_: np.ndarray
    _encoder: Any

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Fit the model.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows to learn from.  NaN is a missing value.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the rows.
        X_val, y_val : array-like, optional
            Rows for early stopping, instead of a part of ``X``.
        sample_weight_val : array-like, optional
            Weights of the validation rows.

        Returns
        -------
        object
            The estimator itself.
        """
        start = perf_counter()
        X, codes = self._arrange_fit(X)
        y = self._encode_y(_check_y(y, estimator=self))
        check_consistent_length(X, y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        sample_weight = self._finalize_sample_weight(sample_weight, y)
        given = X_val is not None or y_val is not None
        validation: Any = None
        if given:
            validation = self._check_validation(X_val, y_val, sample_weight_val)

        again = self.warm_start and hasattr(self, "trees_")
        if not again:
            random = check_random_state(self.random_state)
            self._random_seed = int(random.randint(np.iinfo(np.uint32).max, dtype="u8"))
            seed = int(random.randint(np.iinfo(np.uint32).max, dtype="u8"))
            state = np.random.PCG64(seed).state["state"]
            self._draws = _pack_state((state["state"], state["inc"], None))
        if self.monotonic_cst is not None and self.n_trees_per_iteration_ != 1:
            raise ValueError(
                "monotonic constraints are not supported for multiclass classification."
            )
        order = np.arange(X.shape[1]) if codes is None else codes.order
        constraints = {
            "monotonic_cst": np.ascontiguousarray(
                _check_monotonic_cst(self, self.monotonic_cst)[order], dtype=np.int8
            ),
            "interaction_cst": self._check_interactions(order),
        }

        auto = self.early_stopping == "auto"
        self.do_early_stopping_ = bool(len(X) > 10_000 or given) if auto else self.early_stopping
        rows = (X, y, sample_weight)
        validates = self.validation_fraction is not None and not given
        if self.do_early_stopping_ and validates:
            rows, validation = self._hold_out(*rows)

        self._boost(rows, validation, codes, order, constraints, again)
        if self.verbose:
            leaves = int((self.trees_["left"] == 0).sum())
            print(
                f"Fit {len(self.trees_['tree_offsets']) - 1} trees in "
                f"{perf_counter() - start:.3f} s, ({leaves} total leaves)"
            )
        return self

    def _arrange_fit(self, X: Any) -> tuple[Any, Codes | None]:
        """Return ``X`` as a matrix of numbers, and how its categorical columns are coded."""
        self.is_categorical_ = mask = categorical_mask(X, self.categorical_features)
        self._encoder = None
        if mask is not None:
            codes = codes_as_they_are(X, mask, self.max_bins)
            if codes is None:
                self._encoder, encoded, codes = fit_encoder(X, mask, self.max_bins)
                self.n_features_in_ = self._encoder.n_features_in_
                if hasattr(self._encoder, "feature_names_in_"):
                    self.feature_names_in_ = self._encoder.feature_names_in_
                elif hasattr(self, "feature_names_in_"):
                    del self.feature_names_in_
                return encoded, codes
        else:
            codes = None
        X = _validate_data(self, X, dtype=list(FLOATS), ensure_all_finite=False)
        return X, codes

    def _arrange(self, X: Any) -> Any:
        """Return new rows as a matrix of numbers."""
        if getattr(self, "_encoder", None) is not None:
            check_is_fitted(self)
            return np.ascontiguousarray(self._encoder.transform(X))
        return validate_predict(self, X, ensure_all_finite=False)

    def _check_validation(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        if y is None:
            raise ValueError("X_val is provided, but y_val was not provided.")
        if X is None:
            raise ValueError("y_val is provided, but X_val was not provided.")
        if self.early_stopping is False:
            raise ValueError(
                "X_val and y_val are passed to fit while at the same time early_stopping is False. "
                "When passing X_val and y_val to fit, early_stopping should be set to either "
                "'auto' or True."
            )
        X = self._arrange(X)
        y = self._encode_y_val(_check_y(y, estimator=self))
        check_consistent_length(X, y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        return X, y, sample_weight

    def _hold_out(self, X: Any, y: Any, weight: Any) -> tuple[Any, Any]:
        """Split off the validation rows, the same ones at each warm start."""
        arrays = (X, y) if weight is None else (X, y, weight)
        parts = train_test_split(
            *arrays,
            test_size=self.validation_fraction,
            stratify=y if is_classifier(self) else None,
            random_state=self._random_seed,
        )
        if weight is None:
            parts += [None, None]
        return tuple(parts[0::2]), tuple(parts[1::2])

    def _check_interactions(self, order: np.ndarray) -> list[list[int]] | None:
        """Return the groups of features that may meet, by their place in ``order``."""
        n_features = len(order)
        if self.interaction_cst is None:
            return None
        groups: Any = self.interaction_cst
        if isinstance(groups, str):
            size = 1 if groups == "no_interactions" else 2
            groups = list(itertools.combinations(range(n_features), min(size, n_features)))
        try:
            groups = [set(group) for group in groups]
        except TypeError:
            raise ValueError(
                "Interaction constraints must be a sequence of tuples or lists, got:"
                f" {self.interaction_cst!r}."
            ) from None
        for group in groups:
            if not all(isinstance(x, Integral) and 0 <= int(x) < n_features for x in group):
                raise ValueError(
                    "Interaction constraints must consist of integer indices in"
                    f" [0, n_features - 1] = [0, {n_features - 1}], specifying the"
                    f" position of features, got invalid indices: {group!r}"
                )
        rest = set(range(n_features)).difference(*groups)
        place = np.argsort(order)
        return [sorted(int(place[x]) for x in group) for group in [*groups, rest] if group]

    def _boost(
        self, rows: Any, validation: Any, codes: Any, order: Any, constraints: Any, again: bool
    ) -> None:
        """Bin the rows and add iterations."""
        X, y, weight = rows
        trees: list[Any] = []
        if again:
            if self.max_iter < self.n_iter_:
                raise ValueError(
                    f"max_iter={self.max_iter} must be larger than or equal to "
                    f"n_iter_={self.n_iter_} when warm_start==True"
                )
            trees, baseline = [self.trees_], self.trees_["baseline"]
            scores = (self.train_score_.tolist(), self.validation_score_.tolist())
        else:
            scores = ([], [])
            baseline = kernel("ensemble.hist_gradient_boosting_baseline")(
                y, weight, **self._loss_parameters()
            )

        def begin(X: Any) -> np.ndarray:
            if again:
                return np.ascontiguousarray(self._sum_trees(X, self.trees_).T)
            return np.repeat(baseline[:, None], len(X), axis=1)

        known = known_sets(codes, X.shape[1])
        bins_of, borders = self._find_bins(X, weight, codes, order)
        raw = begin(X)
        held = None
        if validation is not None:
            X_held, y_held, weight_held = validation
            held = (bins_of(X_held), y_held, begin(X_held), weight_held)
        scorer = None
        if self.do_early_stopping_ and self.scoring != "loss":
            scorer = EarlyStoppingScores(self, rows, validation, scores)
        call = functools.partial(
            kernel("ensemble.hist_gradient_boosting_fit"),
            bins_of(X),
            y,
            sample_weight=weight,
            **borders,
            **constraints,
            **self._loss_parameters(),
            **self._tree_parameters(),
            early_stopping=self.do_early_stopping_ and scorer is None,
        )

        def keep(trees: list[Any]) -> None:
            self.trees_ = {**join_trees(trees), "baseline": baseline, "known_categories": known}

        random_state = _unpack_state(self._draws)
        done = self.n_iter_ if again else 0
        step = 1 if scorer is not None or self.verbose >= 2 else max(self.max_iter - done, 0)
        if scorer is not None and not again:
            keep([call(raw, random_state=random_state, max_iter=0)["trees"]])
            scorer.add(raw, held)
        stop = False
        while not stop and (done < self.max_iter or not trees):
            since = perf_counter()
            found = call(
                raw, validation=held, scores=scores, random_state=random_state, max_iter=step
            )
            found["trees"]["feature"] = order.astype(np.uint32)[found["trees"]["feature"]]
            trees.append(found["trees"])
            done += found["n_iter"]
            random_state, raw = found["random_state"], found["raw_prediction"]
            if held is not None:
                held = (held[0], held[1], found["validation_raw_prediction"], held[3])
            if scorer is None:
                scores, stop = (found["train_score"], found["validation_score"]), found["stopped"]
            else:
                keep(trees)
                stop = scorer.add(raw, held)
            if self.verbose >= 2:
                self._print_iteration(found["trees"], done, scores, perf_counter() - since)
        keep(trees)
        self._draws = _pack_state(random_state)
        self.train_score_, self.validation_score_ = map(np.asarray, scores)

    def _find_bins(self, X: Any, weight: Any, codes: Codes | None, order: Any) -> tuple[Any, Any]:
        """Return a function that bins rows, and the borders between the bins."""
        rows = None
        if len(X) > BINNING_ROWS:
            share = None if weight is None else weight / weight.sum()
            rows = check_random_state(self._random_seed).choice(len(X), BINNING_ROWS, p=share)
            weight = None
        found = kernel("ensemble.hist_gradient_boosting_borders")(
            X, weight, rows, max_bins=self.max_bins
        )
        borders = np.split(found["thresholds"], found["offsets"][1:-1])
        categories = [] if codes is None else codes.categories
        borders = categories + [borders[column] for column in order[len(categories) :]]
        arrays = {
            "thresholds": np.concatenate(borders),
            "offsets": np.cumsum([0, *map(len, borders)], dtype=np.int64),
            "is_categorical": np.arange(len(order)) < len(categories),
        }

        def bins_of(X: Any) -> np.ndarray:
            return kernel("ensemble.hist_gradient_boosting_bins")(
                X, order.astype(np.int64), **arrays
            )

        return bins_of, arrays

    def _tree_parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = {name: float(getattr(self, name)) for name in FLOAT_PARAMETERS}
        found |= {name: int(getattr(self, name)) for name in INTEGER_PARAMETERS}
        for name in ("max_leaf_nodes", "max_depth"):
            value = getattr(self, name)
            found[name] = None if value is None else int(value)
        limit = self.max_delta_step
        found["max_delta_step"] = None if limit is None else float(limit)
        return found | {"splitter": self.splitter, "grow_policy": self.grow_policy}

    def _print_iteration(self, trees: Any, done: int, scores: Any, seconds: float) -> None:
        n_trees, n_leaves = len(trees["tree_offsets"]) - 1, int((trees["left"] == 0).sum())
        text = f"[{done}/{self.max_iter}] {n_trees} tree{'s' * (n_trees > 1)}, {n_leaves} leaves, "
        text += f"max depth = {int(trees['depth'].max())}, "
        if self.do_early_stopping_:
            sign, name = (-1, "loss") if self.scoring == "loss" else (1, "score")
            for part, values in zip(("train", "val"), scores, strict=True):
                if values:
                    text += f"{part} {name}: {sign * values[-1]:.5f}, "
        print(f"{text}in {seconds:0.3f}s")

    def _sum_trees(self, X: Any, trees: Any) -> np.ndarray:
        raw: np.ndarray = kernel("ensemble.tree_ensemble_predict")(X, **predicting(trees))
        return raw

    def _raw_predict(self, X: Any) -> np.ndarray:
        """Start values plus leaves: (n_samples, n_trees_per_iteration_)."""
        scored = getattr(self, "_scored", None)
        if scored is not None:
            return self._sum_trees(X, self.trees_) if scored.raw is None else scored.raw
        return self._sum_trees(self._arrange(X), self.trees_)

    def _staged_raw_predict(self, X: Any) -> Any:
        """Raw predictions after each iteration."""
        check_is_fitted(self)
        X = self._arrange(X)
        per_iteration = self.n_trees_per_iteration_
        raw = np.repeat(self.trees_["baseline"][None, :], len(X), axis=0)
        for start in range(0, self.n_iter_ * per_iteration, per_iteration):
            trees = cut_trees(self.trees_, start, start + per_iteration)
            raw += self._sum_trees(X, {**trees, "baseline": np.zeros(per_iteration)})
            yield raw.copy()

    @property
    def n_iter_(self) -> int:
        """Number of iterations of boosting."""
        check_is_fitted(self)
        return (len(self.trees_["tree_offsets"]) - 1) // self.n_trees_per_iteration_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _finalize_sample_weight(self, sample_weight: Any, y: Any) -> Any:
        return sample_weight


def _pack_state(state: tuple[int, int, int | None]) -> np.ndarray:
    """State of a PCG64 as 64-bit words: state, increment, whether half a draw is left, and it."""
    words = [part >> shift & 0xFFFF_FFFF_FFFF_FFFF for part in state[:2] for shift in (64, 0)]
    return np.array([*words, state[2] is not None, state[2] or 0], dtype=np.uint64)


def _unpack_state(words: np.ndarray) -> tuple[int, int, int | None]:
    a, b, c, d, has_half, half = (int(word) for word in words)
    return (a << 64 | b, c << 64 | d, half if has_half else None)
