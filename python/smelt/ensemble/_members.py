"""Trees as members of an ensemble: which can be grown by one kernel, and how they are shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone, is_classifier
from sklearn.utils.validation import check_array, check_is_fitted

from smelt.tree._base_tree import dense, turned
from smelt.tree._nodes import Nodes, cut, join
from smelt.tree._targets import tree_parameters
from smelt.tree.decision_tree import DecisionTreeClassifier, DecisionTreeRegressor
from smelt.tree.extra_tree import ExtraTreeClassifier, ExtraTreeRegressor

_TREES = (DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor)


class Members:
    """Stands before scikit-learn's class: grows smelt's trees by a kernel, all else as it does.

    With other estimators than smelt's trees, everything is scikit-learn's.
    """

    nodes_: Nodes
    n_features_in_: int
    n_classes_: Any
    classes_: Any
    _seeds: np.ndarray

    def _grows_trees(self) -> bool:
        """Return whether the members are trees that a kernel can grow all together."""
        tree = self._get_estimator()
        return (
            type(tree) in _TREES
            and is_classifier(tree) == is_classifier(self)
            and getattr(tree, "class_weight", None) is None
            and tree.min_weight_fraction_leaf == 0.0
            and tree.monotonic_cst is None
            and tree.ccp_alpha == 0.0
            and tree.categorical_features is None
        )

    def _get_estimator(self) -> Any:
        raise NotImplementedError

    def _grown(self) -> bool:
        return "nodes_" in vars(self)

    def _forget(self, *names: str) -> None:
        """Drop what an earlier fit of the other kind left."""
        for name in names:
            vars(self).pop(name, None)

    @property
    def estimator_(self) -> Any:
        """The kind of member."""
        return vars(self).get("_kind") or self._get_estimator()

    @estimator_.setter
    def estimator_(self, estimator: Any) -> None:
        self._kind = estimator

    @property
    def estimators_(self) -> list[Any]:
        """The fitted members; trees are made anew at each access."""
        if self._grown():
            return [self._tree(index) for index in range(len(self._seeds))]
        if "_fitted" not in vars(self):
            raise AttributeError(f"{type(self).__name__} is not fitted")
        return self._fitted

    @estimators_.setter
    def estimators_(self, estimators: list[Any]) -> None:
        self._fitted = estimators

    def __len__(self) -> int:
        check_is_fitted(self)
        return len(self._seeds if self._grown() else self._fitted)

    def __getitem__(self, index: Any) -> Any:
        if self._grown() and isinstance(index, (int, np.integer)):
            return self._tree(range(len(self._seeds))[index])
        return self.estimators_[index]

    def _columns_of(self, index: int) -> np.ndarray:
        return np.arange(self.n_features_in_)

    def _random_state_of(self, index: int) -> int:
        raise NotImplementedError

    def _tree(self, index: int) -> Any:
        tree, columns = clone(self._get_estimator()), self._columns_of(index)
        tree.random_state = self._random_state_of(index)
        nodes = cut(self.nodes_, index)
        place = np.full(self.n_features_in_ + 2, -2, dtype=np.int32)  # a leaf's -2 stays -2
        place[columns[::-1]] = np.arange(len(columns))[::-1]
        tree.nodes_ = {**nodes, "feature": place[nodes["feature"]]}
        tree.n_features_in_, tree.n_outputs_ = len(columns), self.nodes_["value"].shape[1]
        if is_classifier(self):
            tree.n_classes_, tree.classes_ = self.n_classes_, self._classes_of_trees()
        tree.max_features_ = self._parameters(tree, 1, len(columns))["max_features"]
        return tree

    def _classes_of_trees(self) -> np.ndarray:
        return self.classes_

    def _parameters(self, tree: Any, n_samples: int, n_features: int) -> dict[str, Any]:
        """Return the kernel's parameters of the trees."""
        tree.n_features_in_ = n_features
        return tree_parameters(tree, n_samples, 0.0)

    def _tree_settings(self, n_samples: int, n_features: int) -> dict[str, Any]:
        tree = clone(self._get_estimator())
        tree._validate_params()
        draws = tree.splitter == "random"
        return {
            "draws_thresholds": draws,
            "max_bins": tree.max_bins,
            "tree": self._parameters(tree, n_samples, n_features),
        }

    def _check_missing(self, X: Any) -> None:
        """Refuse infinite values, and missing ones where the trees do not take them."""
        tree = clone(self._get_estimator())
        tree._compute_missing_values_in_feature_mask(X, estimator_name=type(tree).__name__)


def columns(X: Any) -> Any:
    """Return float32 columns, compressed or behind each other; missing values may be among them."""
    X = check_array(turned(X), dtype=np.float32, accept_sparse="csc", ensure_all_finite=False)
    return X if sp.issparse(X) else dense(X)


def join_members(parts: list[Nodes]) -> Nodes:
    """Return the nodes of several fits behind each other."""
    if len(parts) == 1:
        return parts[0]
    joined = join(parts)
    if "tree_columns" in parts[0]:
        joined["tree_columns"] = np.concatenate([part["tree_columns"] for part in parts])
    return joined
