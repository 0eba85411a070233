"""One view of the trees of every tree model: what the kernels of this package take."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier
from sklearn.ensemble import BaseEnsemble
from sklearn.tree import BaseDecisionTree
from sklearn.utils.validation import check_is_fitted, validate_data

from smelt._kernel import kernel
from smelt.ensemble._base_boosting import BaseHistGradientBoosting
from smelt.tree._nodes import from_tree, predicting, stack

SUPPORTED = (
    "HistGradientBoosting*, DecisionTree*, ExtraTree*, RandomForest* and ExtraTrees* of smelt "
    "(classifiers and regressors), and the trees and forests of scikit-learn"
)
_FOREST_PARTS = ("children_left", "children_right", "feature", "threshold", "missing_go_to_left")


class TreeModel(NamedTuple):
    """A fitted model as its trees."""

    estimator: Any
    trees: dict[str, Any]  #: arrays that the kernels take
    baseline: np.ndarray  #: what the raw prediction of every output starts from
    shape: tuple[int, ...]  #: shape of one raw prediction: () for one number
    order: np.ndarray | None  #: column of the user's table that each column of the trees is of
    has_cover: bool  #: whether the weight of the training rows in every node is known

    def arrange(self, X: Any) -> np.ndarray:
        """Return rows as the trees look at them."""
        if isinstance(self.estimator, BaseHistGradientBoosting):
            X = self.estimator._arrange(X)
        elif vars(self.estimator).get("_encoder") is not None:
            X = self.estimator._arrange_categories(X, allow_nan=True)
        else:
            finite = "allow-nan"
            if X is not None and not hasattr(self.estimator, "feature_names_in_"):
                X = np.asarray(X) if isinstance(X, list) else X
            X = validate_data(
                self.estimator,
                X,
                reset=False,
                dtype=np.float32,
                accept_sparse="csr",
                ensure_all_finite=finite,
            )
            X = X.toarray() if hasattr(X, "toarray") else X
        return np.ascontiguousarray(X)

    def by_user(self, values: np.ndarray, axis: int = 0) -> np.ndarray:
        """Sum over the columns of the trees that are of the same column of the user's table."""
        if self.order is None:
            return values
        columns = np.argsort(self.order, kind="stable")
        starts = np.searchsorted(self.order[columns], np.arange(self.estimator.n_features_in_))
        found: np.ndarray = np.add.reduceat(np.take(values, columns, axis=axis), starts, axis=axis)
        return found

    def raw_predict(self, X: np.ndarray) -> np.ndarray:
        """Return the raw predictions of arranged rows: (n_samples, n_outputs)."""
        estimator = self.estimator
        if isinstance(estimator, BaseHistGradientBoosting):
            return estimator._sum_trees(X, estimator.trees_)
        if hasattr(estimator, "nodes_"):
            return kernel("tree.tree_predict")(X, predicting(estimator.nodes_))
        answers = estimator.predict_proba if is_classifier(estimator) else estimator.predict
        found = answers(X)
        if isinstance(found, list):
            width = max(part.shape[1] for part in found)
            found = np.stack([np.pad(p, ((0, 0), (0, width - p.shape[1]))) for p in found], axis=1)
        return np.asarray(found, dtype=np.float64).reshape(len(X), -1)


def tree_model(estimator: Any) -> TreeModel:
    """Return the trees of a fitted model.

    Raises
    ------
    NotFittedError
        If the model has not been fitted.
    ValueError
        If it is no tree model that this package knows.
    """
    if isinstance(estimator, BaseHistGradientBoosting):
        check_is_fitted(estimator, "trees_")
        return _of_boosting(estimator)
    nodes = _nodes(estimator)
    if nodes is None:
        raise ValueError(
            f"{type(estimator).__name__} is no tree model that can be explained here. Known are: "
            f"{SUPPORTED}. For other models, smelt.inspection.feature_importances(kind="
            "'permutation') and partial_dependence work with any estimator."
        )
    return _of_nodes(estimator, nodes)


def is_tree_model(estimator: Any) -> bool:
    """Whether :func:`tree_model` knows the model, fitted or not."""
    trees = isinstance(estimator, BaseDecisionTree) or _is_forest(estimator)
    return trees or isinstance(estimator, BaseHistGradientBoosting)


def _is_forest(estimator: Any) -> bool:
    name = type(estimator).__name__
    known = name.startswith(("RandomForest", "ExtraTrees")) and hasattr(estimator, "n_estimators")
    return known and isinstance(estimator, BaseEnsemble)


def _nodes(estimator: Any) -> dict[str, Any] | None:
    """Return the nodes of a decision tree or a forest, smelt's or scikit-learn's."""
    if isinstance(estimator, BaseDecisionTree):
        if hasattr(estimator, "nodes_"):
            return dict(estimator.nodes_)
        check_is_fitted(estimator, "tree_")
        return from_tree(estimator.tree_)
    if _is_forest(estimator):
        if hasattr(estimator, "nodes_"):
            return dict(estimator.nodes_)
        check_is_fitted(estimator, "estimators_")
        return stack([from_tree(tree.tree_) for tree in estimator.estimators_])
    return None


def _of_boosting(estimator: Any) -> TreeModel:
    found = estimator.trees_
    if "linear_offsets" in found:
        raise ValueError("linear leaves are not explained yet; fit with linear_leaves=False")
    baseline = np.asarray(found["baseline"], dtype=np.float64)
    n_trees, n_outputs = len(found["tree_offsets"]) - 1, len(baseline)
    is_leaf = found["left"] == 0
    has_cover = "count" in found
    order = None
    if getattr(estimator, "_encoder", None) is not None:
        order = estimator._columns_of_user()
    trees = {
        "n_features": int(estimator.n_features_in_) if order is None else len(order),
        "n_outputs": n_outputs,
        "offsets": found["tree_offsets"].astype(np.int64),
        "left": np.where(is_leaf, -1, found["left"].astype(np.int32)).astype(np.int32),
        "right": np.where(is_leaf, -1, found["right"].astype(np.int32)).astype(np.int32),
        "feature": found["feature"].astype(np.int32),
        "threshold": found["threshold"],
        "missing_left": found["missing_left"],
        "cover": found["count"].astype(np.float64) if has_cover else np.ones(len(is_leaf)),
        "value": found["value"],
        "first_output": (np.arange(n_trees) % n_outputs).astype(np.int32),
        "category_set": found["category_set"],
        "left_categories": found["left_categories"].ravel(),
        "known_categories": found["known_categories"].ravel(),
    }
    shape = () if n_outputs == 1 else (n_outputs,)
    return TreeModel(estimator, trees, baseline, shape, order, has_cover)


def _of_nodes(estimator: Any, nodes: dict[str, Any]) -> TreeModel:
    offsets = nodes.get("offsets")
    if offsets is None:
        offsets = np.array([0, len(nodes["feature"])], dtype=np.int64)
    n_trees = len(offsets) - 1
    value = np.asarray(nodes["value"], dtype=np.float64).reshape(len(nodes["feature"]), -1)
    left, right, feature, threshold, missing_left = (
        np.ascontiguousarray(nodes[name]) for name in _FOREST_PARTS
    )
    trees = {
        "n_features": int(estimator.n_features_in_),
        "n_outputs": value.shape[1],
        "offsets": offsets,
        "left": left,
        "right": right,
        "feature": feature,
        "threshold": threshold,
        "missing_left": missing_left.astype(np.uint8),
        "cover": np.ascontiguousarray(nodes["weighted_n_node_samples"], dtype=np.float64),
        "value": (value / n_trees).ravel(),
        "first_output": np.zeros(n_trees, dtype=np.int32),
        "category_set": nodes.get("category_set", np.zeros(0, dtype=np.int32)),
        **{
            name: nodes.get(name, np.zeros(0, dtype=np.uint32)).reshape(-1)
            for name in ("left_categories", "known_categories")
        },
    }
    n_outputs = int(estimator.n_outputs_)
    per_output = (n_outputs,) if n_outputs > 1 else ()
    shape = (*per_output, value.shape[1] // n_outputs) if is_classifier(estimator) else per_output
    return TreeModel(estimator, trees, np.zeros(value.shape[1]), shape, None, True)
