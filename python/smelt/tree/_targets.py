"""Targets and weights as the kernels of trees want them; one way for trees and forests."""

from __future__ import annotations

from math import ceil
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets


def encode_classes(estimator: Any, y: np.ndarray) -> np.ndarray:
    """Set ``classes_`` and ``n_classes_`` (a list and an array, one entry an output); encode y."""
    check_classification_targets(y)
    encoded = np.empty(y.shape, dtype=np.uint32)
    estimator.classes_ = []
    for k in range(y.shape[1]):
        classes, encoded[:, k] = np.unique(y[:, k], return_inverse=True)
        estimator.classes_.append(classes)
    estimator.n_classes_ = np.array([len(classes) for classes in estimator.classes_], dtype=np.intp)
    return encoded


def kernel_targets(estimator: Any, y: np.ndarray) -> tuple[Any, ...]:
    """Return (classes, their numbers) or (values, number of outputs)."""
    if is_classifier(estimator):
        return np.ascontiguousarray(y, dtype=np.uint32).ravel(), estimator.n_classes_.tolist()
    values = np.ascontiguousarray(y, dtype=np.float64).ravel()
    assert_all_finite(values, input_name="y")  # objects may have held None
    return values, y.shape[1]


def check_weights(sample_weight: Any) -> None:
    """Refuse weights that ``class_weight`` made zero in all rows."""
    if sample_weight is not None and not np.any(sample_weight):
        raise ValueError(
            "Sample weights must contain at least one non-zero number: together with class_weight "
            "all are 0."
        )


def check_poisson(y: np.ndarray) -> None:
    """Refuse targets that the Poisson deviance is not defined for."""
    if np.any(y < 0):
        raise ValueError(
            "Some value(s) of y are negative which is not allowed for Poisson regression."
        )
    if np.sum(y) <= 0:
        raise ValueError("Sum of y is not positive which is necessary for Poisson regression.")


def tree_parameters(estimator: Any, n_samples: int, total_weight: float) -> dict[str, Any]:
    """Return the kernel's parameters: shares of rows, weight and columns become numbers."""
    n_features = estimator.n_features_in_
    leaf, split = estimator.min_samples_leaf, estimator.min_samples_split
    if not isinstance(leaf, Integral):
        leaf = ceil(leaf * n_samples)
    if not isinstance(split, Integral):
        split = max(2, ceil(split * n_samples))
    categorical = getattr(estimator, "is_categorical_", None)
    signs = _signs(estimator, n_features)
    if categorical is not None and signs is not None and np.any(np.asarray(signs)[categorical]):
        raise ValueError("Categorical features cannot have monotonic constraints.")
    categories = {} if categorical is None else {"categorical": categorical.tolist()}
    return categories | {
        "criterion": estimator.criterion,
        "max_depth": None if estimator.max_depth is None else int(estimator.max_depth),
        "min_samples_split": int(max(split, 2 * leaf)),
        "min_samples_leaf": int(leaf),
        "min_weight_leaf": float(estimator.min_weight_fraction_leaf * total_weight),
        "max_features": number_of_features(estimator.max_features, n_features),
        "max_leaf_nodes": None
        if estimator.max_leaf_nodes is None
        else int(estimator.max_leaf_nodes),
        "min_impurity_decrease": float(estimator.min_impurity_decrease),
        "monotonic_cst": signs,
    }


def number_of_features(max_features: Any, n_features: int) -> int:
    """Return how many columns a cut looks at."""
    if max_features is None:
        return n_features
    if max_features == "sqrt":
        return max(1, int(np.sqrt(n_features)))
    if max_features == "log2":
        return max(1, int(np.log2(n_features)))
    if isinstance(max_features, Integral):
        return int(max_features)
    return max(1, int(max_features * n_features))


def _signs(estimator: Any, n_features: int) -> list[int] | None:
    if estimator.monotonic_cst is None:
        return None
    if estimator.n_outputs_ > 1:
        raise ValueError("Monotonicity constraints are not supported with multiple outputs.")
    signs = np.asarray(estimator.monotonic_cst)
    if signs.shape[0] != n_features:
        raise ValueError(
            f"monotonic_cst has shape {signs.shape[0]} but the input data X has {n_features}"
            " features."
        )
    if not np.isin(signs, (-1, 0, 1)).all():
        raise ValueError(
            f"monotonic_cst must be None or an array-like of -1, 0 or 1, but got {np.unique(signs)}"
        )
    if is_classifier(estimator) and np.max(estimator.n_classes_) > 2:
        raise ValueError(
            "Monotonicity constraints are not supported with multiclass classification"
        )
    return [int(sign) for sign in signs]
