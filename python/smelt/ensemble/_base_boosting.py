"""What classifier and regressor share: inputs, bins, validation rows, iterations, scores."""

from __future__ import annotations

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
from smelt._validate import FLOATS, canonical, nothing_lost, validate_predict
from smelt.ensemble._batch_fit import fit_from_batches
from smelt.ensemble._boosting_loop import Columns, boost, pack_state
from smelt.ensemble._boosting_rounds import Rounds
from smelt.ensemble._boosting_rows import RowsInBatches, RowsInMemory
from smelt.ensemble._boosting_start import (
    evaluation_sets,
    interaction_groups,
    spread_categories,
)
from smelt.ensemble._cross_fitting import boost_by_folds, check_folds
from smelt.ensemble._target_statistics import apply_statistics, columns_behind
from smelt.ensemble._trees import cut_trees, predicting, sum_linear
from smelt.tree._categories import (
    Codes,
    categorical_mask,
    codes_as_they_are,
    encode,
    fit_encoder,
)
from smelt.tree._targets import check_weights


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
        "quantized_gradients": ["boolean"],
        "subsample_freq": [Interval(Integral, 1, None, closed="left")],
        "colsample_bytree": [Interval(Real, 0, 1, closed="right")],
        "l1_regularization": [Interval(Real, 0, None, closed="left")],
        "min_gain_to_split": [Interval(Real, 0, None, closed="left")],
        "min_child_weight": [Interval(Real, 0, None, closed="left")],
        "max_delta_step": [Interval(Real, 0, None, closed="neither"), None],
        "splitter": [StrOptions({"best", "random"})],
        "grow_policy": [StrOptions({"leaf-wise", "depth-wise", "symmetric"})],
        "leaf_iterations": [Interval(Integral, 1, None, closed="left")],
        "data_sample_strategy": [StrOptions({"bagging", "goss"})],
        "top_rate": [Interval(Real, 0, 1, closed="neither")],
        "other_rate": [Interval(Real, 0, 1, closed="neither")],
        "drop_rate": [Interval(Real, 0, 1, closed="both")],
        "skip_drop": [Interval(Real, 0, 1, closed="both")],
        "max_drop": [Interval(Integral, 1, None, closed="left")],
        "linear_leaves": ["boolean"],
        "linear_regularization": [Interval(Real, 0, None, closed="left")],
        "high_cardinality": [StrOptions({"error", "ordered", "target"})],
        "on_interrupt": [StrOptions({"raise", "keep"})],
    }

    trees_: dict[str, Any]
    train_score_: np.ndarray
    validation_score_: np.ndarray
    _encoder: Any
    _target_statistics: Any
    is_categorical_: np.ndarray | None
    loss: Any
    learning_rate: Any
    n_folds: Any = None

    @property
    def _truncation(self) -> int:
        """Places of a ranking that count."""
        return 30

    @_fit_context(prefer_skip_nested_validation=True)
    @nothing_lost
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        eval_set: Any = None,
        eval_names: Any = None,
        eval_metric: Any = None,
        stop_on: Any = None,
        callbacks: Any = None,
        init_model: Any = None,
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
        eval_set : list of (X, y) or (X, y, sample_weight), optional
            Sets that the model is evaluated on after each iteration; the values are in
            ``evals_result_``.  With early stopping (on, or "auto") the fit ends when ``stop_on``
            has not got better by ``tol`` for ``n_iter_no_change`` iterations, and the trees after
            the best one are dropped again (but for DART).  No other rows are held out then.
        eval_names : list of str, optional
            Names of the sets, by default "valid_0", "valid_1", …
        eval_metric : str, callable or list of these, optional
            "loss" (the default), "rmse", "mae" (regression), "auc", "accuracy" (classification),
            "ndcg", "ndcg@k" (ranking), or a function of (y, prediction) or (y, prediction,
            sample_weight) that returns (name, value, is_higher_better), or a list of such.  For a
            classifier y are codes and predictions probabilities (of the second of two classes).
        stop_on : str or (str, str), optional
            Set, or set and metric, for early stopping; by default the first metric of the last set.
        callbacks : list of callables, optional
            Called after each iteration with a dict of ``iteration``, ``evals_result``, ``model``;
            one that returns True ends the fit.
        init_model : estimator, optional
            Fitted model of the same kind; its trees are taken over and ``max_iter`` more are added.

        Returns
        -------
        object
            The estimator itself.
        """
        evaluation = (eval_set, eval_names, eval_metric, stop_on, callbacks)
        given = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, None, given, evaluation, None, init_model)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_batches(
        self,
        batches: Any,
        target: str | None = None,
        *,
        sample_weight: str | None = None,
        eval_set: Any = None,
        eval_names: Any = None,
        eval_metric: Any = None,
        stop_on: Any = None,
        callbacks: Any = None,
        init_model: Any = None,
    ) -> Any:
        """Fit the model to rows that need not fit into memory, batch by batch.

        The model is the very one, bit for bit, that :meth:`fit` would make of all rows at once.
        In memory stay one byte a value and some 40 bytes a row, not the rows themselves.

        Parameters
        ----------
        batches : path, list of paths, function, or iterable
            A Parquet file, a folder or pattern of such, or a list of these; or a function without
            arguments that returns an iterator over batches and is called for each reading; or
            something that can be iterated over several times, such as a list.  A batch is (X, y),
            (X, y, sample_weight), or a pandas or Polars frame or Arrow record batch.  The rows are
            read three times (up to 200,000 rows: twice), in the same order each time; the first
            reading of Parquet files takes only targets, weights and categories.
        target : str, optional
            Column of frames and files that is to be learnt.
        sample_weight : str, optional
            Column of frames and files that holds the weights of the rows.
        eval_set, eval_names, eval_metric, stop_on, callbacks, init_model : optional
            As for :meth:`fit`; evaluation sets are in memory.

        Returns
        -------
        object
            The estimator itself.

        Raises
        ------
        RuntimeError
            If the batches' maker raises; its exception is the cause, and the message has the number
            of the batch.  The estimator is as it was before, after this and any other error.
        TypeError
            If the batches can be read only once, as a generator.
        ValueError
            If batches differ in their columns, or a reading gives other rows than the first.

        Notes
        -----
        ``linear_leaves``, ``high_cardinality="target"`` for categories beyond ``max_bins``, and
        early stopping by a ``scoring`` other than "loss" need the rows in memory and are refused.
        """
        evaluation = (eval_set, eval_names, eval_metric, stop_on, callbacks)
        names = (target, sample_weight, None)
        return fit_from_batches(self, batches, names, evaluation, None, init_model)

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, groups: Any, given: Any, evaluation: Any,
        eval_groups: Any, init_model: Any,
    ) -> Any:  # fmt: skip
        X, codes = self._arrange_fit(X)
        y = self._encode_y(_check_y(y, estimator=self))
        check_consistent_length(X, y)
        rows, X = RowsInMemory(X), None
        return self._fit_rows(
            rows, y, sample_weight, groups, codes, given, evaluation, eval_groups, init_model
        )

    def _fit_rows(
        self, rows: RowsInMemory | RowsInBatches, y: Any, sample_weight: Any, groups: Any,
        codes: Codes | None, given: Any, evaluation: Any, eval_groups: Any, init_model: Any,
    ) -> Any:  # fmt: skip
        """Look over the choices, split off validation rows, and boost."""
        start = perf_counter()
        self.learning_rate_ = self._rate(len(y))
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, y, dtype=np.float64)
        sample_weight = self._finalize_sample_weight(sample_weight, y)
        check_weights(sample_weight)
        if sample_weight is not None and sample_weight.sum() == 0:
            raise ValueError("the weights of the rows add up to 0.")
        eval_set, eval_names, eval_metric, stop_on, callbacks = evaluation
        again = self.warm_start and hasattr(self, "trees_")
        if again and init_model is not None:
            raise ValueError("give either init_model or warm_start, not both.")
        if not again:
            self._seed_draws()
        rows.X, codes, order, own_order = spread_categories(
            self, rows.X, y, sample_weight, codes, init_model
        )
        sets = evaluation_sets(self, eval_set, eval_names, eval_groups)
        held: Any = None
        if given[0] is not None or given[1] is not None:
            if sets:
                raise ValueError("give either X_val and y_val, or eval_set, not both.")
            X_val, *held = self._check_validation(*given)
            if isinstance(rows, RowsInMemory):
                rows.X_val = X_val

        if self.monotonic_cst is not None and self.n_trees_per_iteration_ != 1:
            raise ValueError(
                "monotonic constraints are not supported for multiclass classification."
                if is_classifier(self)
                else "monotonic constraints are not supported for several quantiles."
            )
        of_user = self._columns_of_user()[order]
        if np.ndim(self.monotonic_cst) > 1:
            raise ValueError("monotonic_cst must be one number for each feature.")
        monotonic = _check_monotonic_cst(self, self.monotonic_cst)
        if self.is_categorical_ is not None and monotonic[self.is_categorical_].any():
            raise ValueError("Categorical features cannot have monotonic constraints.")
        constraints = {
            "monotonic_cst": np.ascontiguousarray(monotonic[of_user], dtype=np.int8),
            "interaction_cst": interaction_groups(self.interaction_cst, len(monotonic), of_user),
        }

        columns = Columns(codes, order, own_order, constraints)
        self.__dict__.pop("fold_iterations_", None)
        if self.n_folds is not None:
            watched = bool(sets) or held is not None
            matrix = check_folds(self, rows, watched, init_model is not None)
            training = (y, sample_weight, groups)
            boost_by_folds(self, matrix, training, columns, eval_metric, callbacks)
            return self._tell(start)
        auto = self.early_stopping == "auto"
        some = held is not None or bool(sets)
        could = groups is None or len(groups) > 2  # of one query nothing can be held out
        many = len(y) > 10_000 and could
        self.do_early_stopping_ = bool(many or some) if auto else self.early_stopping
        if self.do_early_stopping_ and not some and callable(self.loss) and self.scoring == "loss":
            if not auto:
                raise ValueError(
                    "early_stopping with a custom loss needs an eval_set with an eval_metric, or a "
                    "scoring other than 'loss'."
                )
            self.do_early_stopping_ = False
        training = (y, sample_weight, groups)
        if self.do_early_stopping_ and self.validation_fraction is not None and not some:
            parts = self._hold_out(np.arange(len(y)), *training)
            (rows.index, *training), (rows.held_index, *held) = parts  # type: ignore[assignment]
            del parts
        del y, sample_weight, groups

        done = self.n_iter_ if again else 0
        rounds = Rounds(self, sets, eval_metric, stop_on, callbacks, done)
        boost(self, rows, training, held, columns, again, init_model, rounds)
        return self._tell(start)

    def _tell(self, start: float) -> Any:
        """Print a summary, if it is wanted."""
        if self.verbose:
            leaves = int((self.trees_["left"] == 0).sum())
            print(
                f"Fit {len(self.trees_['tree_offsets']) - 1} trees in "
                f"{perf_counter() - start:.3f} s, ({leaves} total leaves)"
            )
        return self

    def _rate(self, n_rows: int) -> float:
        """Return the factor of every leaf."""
        return float(self.learning_rate)

    def _seed_draws(self) -> None:
        random = check_random_state(self.random_state)
        self._random_seed = int(random.randint(np.iinfo(np.uint32).max, dtype="u8"))
        seed = int(random.randint(np.iinfo(np.uint32).max, dtype="u8"))
        state = np.random.PCG64(seed).state["state"]
        self._draws = pack_state((state["state"], state["inc"], None))

    def _arrange_fit(self, X: Any) -> tuple[Any, Codes | None]:
        """Return ``X`` as a matrix of numbers, and how its categorical columns are coded."""
        self._target_statistics = None
        self.is_categorical_ = mask = categorical_mask(X, self.categorical_features)
        self._encoder = None
        if mask is not None:
            may_be_many = self.high_cardinality != "error"
            codes = codes_as_they_are(X, mask, self.max_bins, may_be_many)
            if codes is None:
                self._encoder, encoded, codes = fit_encoder(X, mask, self.max_bins, may_be_many)
                self.n_features_in_ = self._encoder.n_features_in_
                if hasattr(self._encoder, "feature_names_in_"):
                    self.feature_names_in_ = self._encoder.feature_names_in_
                elif hasattr(self, "feature_names_in_"):
                    del self.feature_names_in_
                return encoded, codes
        else:
            codes = None
        X = _validate_data(self, X, dtype=list(FLOATS), ensure_all_finite=False)
        return canonical(X), codes

    def _columns_of_user(self) -> np.ndarray:
        """Return which column of the user's table each column of arranged rows is made of."""
        if getattr(self, "_encoder", None) is None:
            return np.arange(self.n_features_in_)
        mask = np.asarray(self.is_categorical_)
        columns = np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)])
        behind = columns_behind(getattr(self, "_target_statistics", None))
        return np.concatenate([columns, columns[behind]])

    def _arrange(self, X: Any) -> Any:
        """Return new rows as a matrix of numbers."""
        if getattr(self, "_encoder", None) is not None:
            check_is_fitted(self)
            encoded = encode(self._encoder, X)
            if getattr(self, "_target_statistics", None) is not None:
                return apply_statistics(encoded, self._target_statistics)
            return np.ascontiguousarray(encoded)
        return validate_predict(self, X, ensure_all_finite=False)

    def _check_validation(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, ...]:
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
        return X, y, sample_weight, None

    def _codes_of_targets(self, y: Any) -> np.ndarray:
        """Return the targets of a batch as they were encoded for the fit."""
        if is_classifier(self):
            return np.asarray(self._encode_y_val(y))
        return np.asarray(y, dtype=np.float64)

    def _hold_out(self, X: Any, y: Any, weight: Any, groups: Any) -> tuple[Any, Any]:
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
        return (*parts[0::2], None), (*parts[1::2], None)

    def _sum_trees(self, X: Any, trees: Any) -> np.ndarray:
        if "linear_offsets" in trees:
            return sum_linear(X, trees)
        raw: np.ndarray = kernel("ensemble.tree_ensemble_predict")(X, **predicting(trees))
        return raw

    def _raw_predict(self, X: Any) -> np.ndarray:
        """Start values plus leaves: (n_samples, n_trees_per_iteration_)."""
        if not hasattr(self, "trees_"):  # scikit-learn's check alone takes 6 microseconds
            check_is_fitted(self, "trees_")
        scored = getattr(self, "_scored", None)
        if scored is not None:
            return self._sum_trees(X, self.trees_) if scored.raw is None else scored.raw
        return self._sum_trees(self._arrange(X), self.trees_)

    def _staged_raw_predict(self, X: Any) -> Any:
        """Raw predictions after each iteration."""
        check_is_fitted(self, "trees_")
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
        check_is_fitted(self, "trees_")
        return (len(self.trees_["tree_offsets"]) - 1) // self.n_trees_per_iteration_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _finalize_sample_weight(self, sample_weight: Any, y: Any) -> Any:
        return sample_weight


def loss_parameters(loss: Any, **known: Any) -> dict[str, Any]:
    """Return what the kernels want to know of a loss."""
    unknown = {"quantile": None, "n_classes": 0, "delta": None, "power": None, "truncation": None}
    return {"loss": "custom" if callable(loss) else loss, **unknown, **known}
