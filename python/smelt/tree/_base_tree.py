"""What all decision trees share: growing by the kernel; the rest is scikit-learn's."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.tree._tree import Tree, ccp_pruning_path
from sklearn.utils import Bunch, check_random_state, compute_sample_weight
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from smelt._kernel import kernel
from smelt._validate import FLOATS, canonical, nothing_lost, sparse_arrays
from smelt.tree._category_columns import CategoryColumns
from smelt.tree._nodes import Nodes, as_tree, predicting, pruned, shaped, structure, with_sets
from smelt.tree._paths import decision_path, importances
from smelt.tree._targets import (
    check_poisson,
    check_weights,
    encode_classes,
    kernel_targets,
    tree_parameters,
)

PART = 1 << 22  # values arranged between two looks at Ctrl-C
LARGEST_SEED = np.iinfo(np.int32).max
MAX_BINS = [Interval(Integral, 2, 255, closed="both"), None]


class GrownTree(CategoryColumns):
    """Stands before scikit-learn's class in the order of bases: fits and predicts by kernels."""

    nodes_: Nodes
    # Declared for the type checker; scikit-learn's class has them.
    criterion: Any
    splitter: Any
    max_bins: int | None
    class_weight: Any
    ccp_alpha: float
    random_state: Any
    classes_: Any
    n_classes_: Any
    n_outputs_: int
    n_features_in_: int
    _compute_missing_values_in_feature_mask: Any
    _support_missing_values: Any

    @property
    def tree_(self) -> Tree:
        """The fitted tree as scikit-learn's ``Tree`` object, made from :attr:`nodes_` once."""
        check_is_fitted(self)
        return as_tree(self)

    @_fit_context(prefer_skip_nested_validation=True)
    @nothing_lost
    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> Any:
        """Grow the tree.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, used as float32.  NaN is a missing value where the criterion allows it.
            Sparse input stays sparse until its columns become codes: 1 byte a value, 2 or 4 where
            a column has more than 255 or 65,535 different ones and none are binned.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative; rows of weight zero take no part.
        check_input : bool, default=True
            Whether to check ``X`` and ``y``.

        Returns
        -------
        object
            The fitted estimator itself.
        """
        random_state = check_random_state(self.random_state)
        X = self._encode_categories(X)
        if check_input:
            X, y = validate_data(
                self,
                turned(X),
                y,
                validate_separately=(
                    {"dtype": np.float32, "accept_sparse": "csc", "ensure_all_finite": False},
                    {"ensure_2d": False, "dtype": None},
                ),
            )
            self._compute_missing_values_in_feature_mask(X)
            if self.criterion == "poisson":
                check_poisson(y)
        self.n_features_in_ = X.shape[1]
        self._note_names()
        y = np.atleast_1d(y)
        y = y.reshape(-1, 1) if y.ndim == 1 else y
        if len(y) != X.shape[0]:
            raise ValueError(
                f"Number of labels={len(y)} does not match number of samples={X.shape[0]}"
            )
        self.n_outputs_ = y.shape[1]
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if is_classifier(self):
            if self.class_weight is not None:
                expanded = compute_sample_weight(self.class_weight, y)
                sample_weight = expanded if sample_weight is None else sample_weight * expanded
            y = encode_classes(self, y)
            check_weights(sample_weight)
        total = X.shape[0] if sample_weight is None else float(np.sum(sample_weight))
        params = tree_parameters(self, X.shape[0], total)
        self.max_features_ = params["max_features"]
        random = self.splitter == "random"
        if random:
            self._check_bins_of_drawn_thresholds()
        nodes = kernel("tree.extra_tree_fit" if random else "tree.decision_tree_fit")(
            by_column(X),
            kernel_targets(self, y),
            None if sample_weight is None else np.ascontiguousarray(sample_weight),
            random_state=int(random_state.randint(0, LARGEST_SEED)),
            max_bins=self.max_bins,
            **params,
        )
        self.nodes_ = shaped(nodes, self.n_outputs_)
        if self._has_categories():
            self.nodes_ = with_sets(self.nodes_, self._known_categories)
        if is_classifier(self) and self.n_outputs_ == 1:
            self.n_classes_, self.classes_ = self.n_classes_[0], self.classes_[0]
        self._prune_tree()
        return self

    def _prune_tree(self) -> None:
        """Cut back the branches whose gain is below ``ccp_alpha`` a leaf."""
        if self.ccp_alpha > 0.0:
            self.nodes_ = pruned(self.nodes_, self, self.ccp_alpha)

    def _validate_X_predict(self, X: Any, check_input: bool) -> Any:
        if check_input and vars(self).get("_encoder") is not None:
            return self._arrange_categories(X, self._support_missing_values(X))
        return super()._validate_X_predict(X, check_input)  # type: ignore[misc]

    def _values(self, X: Any, check_input: bool) -> np.ndarray:
        """Return the values of the leaves: (n_samples, n_outputs, longest value)."""
        check_is_fitted(self)
        X = self._validate_X_predict(X, check_input)
        values = kernel("tree.tree_predict")(by_row(X), predicting(self.nodes_))
        return values.reshape(X.shape[0], self.n_outputs_, -1)

    def predict(self, X: Any, check_input: bool = True) -> Any:
        """Predict a class or a number for every row of ``X``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, used as float32.
        check_input : bool, default=True
            Whether to check ``X``.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predictions.
        """
        values = self._values(X, check_input)
        if not is_classifier(self):
            return values[:, 0, 0] if self.n_outputs_ == 1 else values[:, :, 0]
        best = np.argmax(values, axis=2)
        if self.n_outputs_ == 1:
            return self.classes_.take(best[:, 0], axis=0)
        columns = [classes.take(best[:, k]) for k, classes in enumerate(self.classes_)]
        return np.stack(columns, axis=1).astype(self.classes_[0].dtype)

    def apply(self, X: Any, check_input: bool = True) -> Any:
        """Return the number of the leaf that every row of ``X`` reaches.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, used as float32.
        check_input : bool, default=True
            Whether to check ``X``.

        Returns
        -------
        ndarray of shape (n_samples,)
            Leaves, counted as in ``tree_``.
        """
        check_is_fitted(self)
        X = self._validate_X_predict(X, check_input)
        return kernel("tree.tree_apply")(by_row(X), predicting(self.nodes_))[:, 0]

    def decision_path(self, X: Any, check_input: bool = True) -> Any:
        """Return the nodes that every row of ``X`` goes through.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, used as float32.
        check_input : bool, default=True
            Whether to check ``X``.

        Returns
        -------
        sparse matrix of shape (n_samples, n_nodes)
            Ones for the nodes on the way of a row.
        """
        if "category_set" in vars(self).get("nodes_", ()):
            return decision_path(self.nodes_, self.apply(X, check_input)[:, None])
        return super().decision_path(X, check_input)  # type: ignore[misc]

    def cost_complexity_pruning_path(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Return the values of ``ccp_alpha`` at which the tree loses a branch.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, used as float32.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        Bunch
            ``ccp_alphas``, and the ``impurities`` of the leaves of each pruned tree.
        """
        tree = clone(self).set_params(ccp_alpha=0.0).fit(X, y, sample_weight=sample_weight)
        return Bunch(**ccp_pruning_path(structure(tree.nodes_, tree)))

    def get_depth(self) -> int:
        """Return the number of cuts on the longest way from the root to a leaf.

        Returns
        -------
        int
            The depth.
        """
        check_is_fitted(self)
        return int(self.nodes_["max_depth"])

    def get_n_leaves(self) -> int:
        """Return the number of leaves.

        Returns
        -------
        int
            The number.
        """
        check_is_fitted(self)
        return int(np.count_nonzero(self.nodes_["children_left"] < 0))

    @property
    def feature_importances_(self) -> np.ndarray:
        """Share of the impurity that each column's cuts took away."""
        if "category_set" in vars(self).get("nodes_", ()):
            return importances(self.nodes_, self.n_features_in_)
        return super().feature_importances_  # type: ignore[misc,no-any-return]


class GrownClassifier(GrownTree):
    """A grown tree that gives probabilities."""

    def predict_proba(self, X: Any, check_input: bool = True) -> Any:
        """Return the share of every class in the leaf that each row of ``X`` reaches.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, used as float32.
        check_input : bool, default=True
            Whether to check ``X``.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or a list of them, one an output
            Probabilities, in the order of ``classes_``.
        """
        values = self._values(X, check_input)
        if self.n_outputs_ == 1:
            return values[:, 0, : self.n_classes_]
        return [values[:, k, :n_classes] for k, n_classes in enumerate(self.n_classes_)]


def turned(X: Any) -> Any:
    """Return a large array as float32 columns, before it is checked; anything else as it is.

    scikit-learn would make float32 of it in one step, which hears no Ctrl-C, and a second copy of
    the columns were needed then.
    """
    large = type(X) is np.ndarray and X.ndim == 2 and X.size > PART
    return dense(X) if large and X.dtype in FLOATS else X


def dense(X: np.ndarray) -> np.ndarray:
    """Return float32 columns behind each other."""
    if X.dtype == np.float32 and X.flags.f_contiguous:
        return X
    return kernel("tree.tree_columns")(canonical(X))  # type: ignore[no-any-return]


def by_column(X: Any) -> Any:
    """Return what a kernel learns from: dense columns, or the arrays of compressed ones."""
    return (
        sparse_arrays(canonical(X.tocsc().astype(np.float32, copy=False)))
        if sp.issparse(X)
        else dense(X)
    )


def by_row(X: Any) -> Any:
    """Return what a kernel predicts: dense rows, or the arrays of compressed ones."""
    return (
        sparse_arrays(canonical(X.tocsr().astype(np.float32, copy=False)))
        if sp.issparse(X)
        else rows(X)
    )


def rows(X: Any) -> np.ndarray:
    """Return float32 rows, dense, whose strides a kernel can follow."""
    return canonical(np.asarray(X.toarray() if sp.issparse(X) else X, dtype=np.float32))
