"""What all forests share: drawing the trees' seeds, growing by the kernel, out-of-bag answers."""

from __future__ import annotations

from time import perf_counter
from typing import Any
from warnings import warn

import numpy as np
import scipy.sparse as sp
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.ensemble._bootstrap import _get_n_samples_bootstrap
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from smelt._kernel import kernel
from smelt._validate import nothing_lost
from smelt.ensemble._quantile_forest import QuantileForest
from smelt.tree._base_tree import LARGEST_SEED, by_column, by_row, turned
from smelt.tree._category_columns import CategoryColumns
from smelt.tree._nodes import Nodes, cut, join, predicting, pruned, shaped, stack, with_sets
from smelt.tree._paths import decision_path, importances
from smelt.tree._targets import (
    check_poisson,
    check_weights,
    encode_classes,
    kernel_targets,
    tree_parameters,
)


class GrownForest(CategoryColumns):
    """Stands before scikit-learn's class in the order of bases: fits and predicts by kernels."""

    nodes_: Nodes
    seeds_: np.ndarray
    # Declared for the type checker; scikit-learn's class has them.
    estimator: Any
    n_estimators: int
    bootstrap: bool
    oob_score: Any
    max_samples: Any
    max_bins: int | None
    class_weight: Any
    criterion: Any
    warm_start: bool
    n_jobs: int | None
    random_state: Any
    ccp_alpha: float
    verbose: int
    estimator_params: Any
    classes_: Any
    n_classes_: Any
    n_outputs_: int
    n_features_in_: int
    _kernel = "random_forest_fit"

    @_fit_context(prefer_skip_nested_validation=True)
    @nothing_lost
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Grow the trees.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, used as float32.  NaN is a missing value where the criterion allows it.
            Sparse input stays sparse until its columns become codes: 1 byte a value, 2 or 4 where
            a column has more than 255 or 65,535 different ones and none are binned.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative: how likely a row is drawn, or, without ``bootstrap``,
            how much it counts.

        Returns
        -------
        object
            The fitted estimator itself.
        """
        if sp.issparse(y):
            raise ValueError("sparse multilabel-indicator for y is not supported.")
        X = self._encode_categories(X, self._goes_on())
        X, y = validate_data(
            self,
            turned(X),
            y,
            multi_output=True,
            accept_sparse="csc",
            dtype=np.float32,
            ensure_all_finite=False,
        )
        self._note_names()
        single = type(self.estimator)(criterion=self.criterion)
        single._compute_missing_values_in_feature_mask(X, estimator_name=type(self).__name__)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
        y = self._columns(y)
        self._n_samples, self.n_outputs_ = y.shape
        y, class_weight = self._encode(y, sample_weight)
        if class_weight is not None:
            sample_weight = class_weight if sample_weight is None else sample_weight * class_weight
            check_weights(sample_weight)
        self._sample_weight = sample_weight
        self._n_samples_bootstrap = self._number_drawn(sample_weight)
        seeds = self._draw_seeds()
        if len(seeds):
            nodes = self._grow(X, y, sample_weight, seeds)
            old = [self.nodes_] if self._goes_on() else []
            self.nodes_ = join([*old, nodes])
            self.seeds_ = np.concatenate([self.seeds_, seeds]) if old else seeds
        self._keep_leaves(X, y)
        if self.oob_score and (len(seeds) or "oob_score_" not in vars(self)):
            self._score_out_of_bag(X, y)
        if is_classifier(self) and self.n_outputs_ == 1:
            self.n_classes_, self.classes_ = self.n_classes_[0], self.classes_[0]
        return self

    def _columns(self, y: Any) -> np.ndarray:
        y = np.atleast_1d(y)
        if y.ndim == 2 and y.shape[1] == 1:
            warn(
                "A column-vector y was passed when a 1d array was expected. Please change the "
                "shape of y to (n_samples,), for example using ravel().",
                DataConversionWarning,
                stacklevel=3,
            )
        if self.criterion == "poisson":
            check_poisson(y)
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _encode(self, y: np.ndarray, sample_weight: Any) -> tuple[np.ndarray, Any]:
        """Return the targets as numbers, and the weights that ``class_weight`` gives the rows."""
        if not is_classifier(self):
            return np.ascontiguousarray(y, dtype=np.float64), None
        encoded = encode_classes(self, y)
        if self.class_weight is None:
            return encoded, None
        if isinstance(self.class_weight, str):
            if self.warm_start:
                warn(
                    'class_weight presets "balanced" or "balanced_subsample" are not recommended '
                    "for warm_start if the fitted data differs from the full dataset; pass weights "
                    "computed from all of it instead.",
                    stacklevel=3,
                )
            if self.class_weight == "balanced_subsample" and self.bootstrap:
                return encoded, None  # from the rows of each tree
            weights = [
                dict(
                    zip(
                        classes,
                        compute_class_weight(
                            "balanced", classes=classes, y=y[:, k], sample_weight=sample_weight
                        ),
                        strict=True,
                    )
                )
                for k, classes in enumerate(self.classes_)
            ]
            return encoded, compute_sample_weight(weights[0] if len(weights) == 1 else weights, y)
        return encoded, compute_sample_weight(self.class_weight, y)

    def _number_drawn(self, sample_weight: Any) -> int | None:
        if self.bootstrap:
            return int(_get_n_samples_bootstrap(self._n_samples, self.max_samples, sample_weight))
        if self.max_samples is not None:
            raise ValueError(
                "`max_sample` cannot be set if `bootstrap=False`. Either switch to "
                "`bootstrap=True` or set `max_sample=None`."
            )
        if self.oob_score:
            raise ValueError("Out of bag estimation only available if bootstrap=True")
        return None

    def _goes_on(self) -> bool:
        return bool(self.warm_start and "nodes_" in vars(self))

    def _draw_seeds(self) -> np.ndarray:
        """Return the seeds of the trees still to be grown, as scikit-learn draws them."""
        random_state = check_random_state(self.random_state)
        n_grown = len(self.seeds_) if self._goes_on() else 0
        n_more = self.n_estimators - n_grown
        if n_more < 0:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be larger or equal to "
                f"len(estimators_)={n_grown} when warm_start==True"
            )
        if n_more == 0:
            warn(
                "Warm-start fitting without increasing n_estimators does not fit new trees.",
                stacklevel=3,
            )
        if n_grown:
            random_state.randint(LARGEST_SEED, size=n_grown)
        return np.array(
            [random_state.randint(LARGEST_SEED) for _ in range(n_more)], dtype=np.uint32
        )

    def _grow(self, X: Any, y: np.ndarray, sample_weight: Any, seeds: np.ndarray) -> Nodes:
        n_samples = X.shape[0]
        if self.bootstrap or sample_weight is None:
            total = float(self._n_samples_bootstrap or n_samples)
        else:
            total = float(np.sum(sample_weight))
        params = tree_parameters(self, n_samples, total)
        self.max_features_ = params["max_features"]
        if self._kernel == "extra_trees_fit":
            self._check_bins_of_drawn_thresholds()
        start = perf_counter()
        nodes = kernel(f"ensemble.{self._kernel}", n_jobs=self.n_jobs)(
            by_column(X),
            kernel_targets(self, y),
            None if sample_weight is None else np.ascontiguousarray(sample_weight, dtype=float),
            random_states=seeds,
            tree=params,
            **self._drawing(),
            **self._bins(),
        )
        if self.verbose:
            print(f"{len(seeds)} trees grown in {perf_counter() - start:.1f} s")
        nodes = shaped(nodes, self.n_outputs_)
        if self._has_categories():
            nodes = with_sets(nodes, self._known_categories)
        if self.ccp_alpha > 0.0:
            trees = (cut(nodes, index) for index in range(len(seeds)))
            nodes = stack([pruned(tree, self, self.ccp_alpha) for tree in trees])
        return nodes

    def _keep_leaves(self, X: Any, y: np.ndarray) -> None:
        """Keep nothing; forests for regression may."""

    def _drawing(self) -> dict[str, Any]:
        return {
            "n_samples_bootstrap": self._n_samples_bootstrap,
            "cumulative_weight": self._cumulative(),
            "balanced_subsample": self.class_weight == "balanced_subsample" and self.bootstrap,
        }

    def _bins(self) -> dict[str, Any]:
        return {"max_bins": self.max_bins}

    def _cumulative(self) -> np.ndarray | None:
        """Return the running sums of the probabilities of the rows, where they differ."""
        if not self.bootstrap or self._sample_weight is None:
            return None
        probabilities = self._sample_weight / np.sum(self._sample_weight)
        if (probabilities < 0).any():
            raise ValueError(
                "probabilities are not non-negative: with bootstrap=True rows are drawn by their "
                "sample_weight, which must not be negative."
            )
        sums = np.cumsum(probabilities)
        return sums / sums[-1]

    def _score_out_of_bag(self, X: Any, y: np.ndarray) -> None:
        kind = type_of_target(y)
        if kind == "unknown" or (is_classifier(self) and kind == "multiclass-multioutput"):
            raise ValueError(
                "The type of target cannot be used to compute OOB estimates. Got "
                f"{kind} while only the following are supported: continuous, "
                "continuous-multioutput, binary, multiclass, multilabel-indicator."
            )
        means, counts = kernel("ensemble.random_forest_out_of_bag", n_jobs=self.n_jobs)(
            by_row(X),
            predicting(self.nodes_),
            self.seeds_,
            self._n_samples_bootstrap,
            self._cumulative(),
        )
        if (counts == 0).any():
            warn(
                "Some inputs do not have OOB scores. This probably means too few trees were used "
                "to compute any reliable OOB estimates.",
                stacklevel=3,
            )
            means[counts == 0] = 0.0
        means = means.reshape(len(y), self.n_outputs_, -1)
        if is_classifier(self):
            score = accuracy_score if self.oob_score is True else self.oob_score
            means = means.transpose(0, 2, 1)
            answers = np.argmax(means, axis=1)
            self.oob_decision_function_ = means[:, :, 0] if self.n_outputs_ == 1 else means
            if self.n_outputs_ == 1:
                y, answers = y[:, 0], answers[:, 0]
            self.oob_score_ = score(y, answers)
        else:
            score = r2_score if self.oob_score is True else self.oob_score
            means = means[:, :, 0]
            self.oob_prediction_ = means[:, 0] if self.n_outputs_ == 1 else means
            self.oob_score_ = score(y, means)

    @property
    def estimators_(self) -> list[Any]:
        """The trees, as fitted estimators of :mod:`smelt.tree`; made anew at each access."""
        check_is_fitted(self, "nodes_")
        return [self._tree(index) for index in range(len(self.seeds_))]

    def _tree(self, index: int) -> Any:
        tree = clone(self.estimator)
        tree.set_params(**{name: getattr(self, name) for name in self.estimator_params})
        tree.random_state = int(self.seeds_[index])
        tree.nodes_ = cut(self.nodes_, index)
        tree.n_features_in_, tree.n_outputs_ = self.n_features_in_, self.n_outputs_
        tree.max_features_ = self.max_features_
        if self._has_categories():
            tree.categorical_features = self.categorical_features
            tree.is_categorical_, tree._encoder = self.is_categorical_, self._encoder
            tree._known_categories = self._known_categories
        if is_classifier(self):
            tree.n_classes_ = self.n_classes_
            tree.classes_ = (
                np.arange(self.n_classes_)
                if self.n_outputs_ == 1
                else [np.arange(n) for n in self.n_classes_]
            )
        return tree

    def __len__(self) -> int:
        return len(self.seeds_)

    def __getitem__(self, index: int) -> Any:
        return self._tree(range(len(self.seeds_))[index])

    def __iter__(self) -> Any:
        return (self._tree(index) for index in range(len(self.seeds_)))

    def _validate_X_predict(self, X: Any) -> Any:
        check_is_fitted(self, "nodes_")
        single = type(self.estimator)(criterion=self.criterion)
        if vars(self).get("_encoder") is not None:
            return self._arrange_categories(X, single._support_missing_values(X))
        finite = "allow-nan" if single._support_missing_values(X) else True
        return validate_data(
            self, X, dtype=np.float32, accept_sparse="csr", reset=False, ensure_all_finite=finite
        )

    def _values(self, X: Any) -> np.ndarray:
        """Return the mean values of the leaves: (n_samples, n_outputs, longest value)."""
        X = self._validate_X_predict(X)
        predict = kernel("tree.tree_predict", n_jobs=self.n_jobs)
        return predict(by_row(X), predicting(self.nodes_)).reshape(X.shape[0], self.n_outputs_, -1)

    def apply(self, X: Any) -> Any:
        """Return the number of the leaf that every row reaches in every tree.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, used as float32.

        Returns
        -------
        ndarray of shape (n_samples, n_estimators)
            Leaves, counted from each tree's root.
        """
        X = self._validate_X_predict(X)
        return kernel("tree.tree_apply", n_jobs=self.n_jobs)(by_row(X), predicting(self.nodes_))

    @property
    def feature_importances_(self) -> np.ndarray:
        """Share of the impurity that each column's cuts took away, the mean over the trees."""
        check_is_fitted(self, "nodes_")
        return importances(self.nodes_, self.n_features_in_)

    def decision_path(self, X: Any) -> Any:
        """Return the nodes of all trees that every row of ``X`` goes through.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, used as float32.

        Returns
        -------
        indicator : sparse matrix of shape (n_samples, n_nodes)
            Ones for the nodes on the way of a row.
        n_nodes_ptr : ndarray of shape (n_estimators + 1,)
            First column of every tree, and the number of columns.
        """
        if "category_set" not in vars(self).get("nodes_", ()):
            return super().decision_path(X)  # type: ignore[misc]
        return decision_path(self.nodes_, self.apply(X)), self.nodes_["offsets"].copy()


class GrownForestClassifier(GrownForest):
    """A forest that votes."""

    def predict(self, X: Any) -> Any:
        """Return the class with the highest mean probability.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, used as float32.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predicted classes.
        """
        best = np.argmax(self._values(X), axis=2)
        if self.n_outputs_ == 1:
            return self.classes_.take(best[:, 0], axis=0)
        columns = [classes.take(best[:, k]) for k, classes in enumerate(self.classes_)]
        return np.stack(columns, axis=1).astype(self.classes_[0].dtype)

    def predict_proba(self, X: Any) -> Any:
        """Return the mean over the trees of their class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, used as float32.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or a list of them, one an output
            Probabilities, in the order of ``classes_``.
        """
        values = self._values(X)
        if self.n_outputs_ == 1:
            return values[:, 0, : self.n_classes_]
        return [values[:, k, :n_classes] for k, n_classes in enumerate(self.n_classes_)]


class GrownForestRegressor(QuantileForest, GrownForest):
    """A forest that answers with the mean of its trees."""

    class_weight = None

    def predict(self, X: Any) -> Any:
        """Return the mean prediction of the trees.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, used as float32.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predictions.
        """
        values = self._values(X)
        return values[:, 0, 0] if self.n_outputs_ == 1 else values[:, :, 0]
