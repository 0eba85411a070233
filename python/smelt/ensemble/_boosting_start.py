"""What a fit of boosting starts from: columns, evaluation sets, groups of features, older trees."""

from __future__ import annotations

import itertools
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    check_consistent_length,
    check_is_fitted,
)

from smelt.ensemble._boosting_metrics import EvaluationSet
from smelt.ensemble._target_statistics import fit_statistics
from smelt.tree._categories import Codes


def interaction_groups(
    interaction_cst: Any, n_features: int, of_user: np.ndarray
) -> list[list[int]] | None:
    """Return the groups of features that may meet, by their place in the training.

    ``of_user`` says for each place which of the user's ``n_features`` columns it is.
    """
    if interaction_cst is None:
        return None
    groups: Any = interaction_cst
    if isinstance(groups, str):
        size = 1 if groups == "no_interactions" else 2
        groups = list(itertools.combinations(range(n_features), min(size, n_features)))
    try:
        groups = [set(group) for group in groups]
    except TypeError:
        raise ValueError(
            "Interaction constraints must be a sequence of tuples or lists, got:"
            f" {interaction_cst!r}."
        ) from None
    for group in groups:
        if not all(isinstance(x, Integral) and 0 <= int(x) < n_features for x in group):
            raise ValueError(
                "Interaction constraints must consist of integer indices in"
                f" [0, n_features - 1] = [0, {n_features - 1}], specifying the"
                f" position of features, got invalid indices: {group!r}"
            )
    rest = set(range(n_features)).difference(*groups)
    found = (np.flatnonzero(np.isin(of_user, list(group))) for group in [*groups, rest] if group)
    return [places.tolist() for places in found]


def trees_to_go_on_with(estimator: Any, model: Any, known: np.ndarray) -> Any:
    """Return the trees of a model that is to be gone on with."""
    if type(model) is not type(estimator):
        raise TypeError(
            f"init_model must be a {type(estimator).__name__}, got {type(model).__name__}."
        )
    check_is_fitted(model)
    trees = model.trees_
    if model.n_features_in_ != estimator.n_features_in_:
        raise ValueError(
            f"init_model has {model.n_features_in_} features, X has {estimator.n_features_in_}."
        )
    if len(trees["baseline"]) != estimator.n_trees_per_iteration_:
        raise ValueError("init_model grows another number of trees in an iteration.")
    if not np.array_equal(getattr(model, "classes_", 0), getattr(estimator, "classes_", 0)):
        raise ValueError("init_model was fitted on other classes.")
    if not np.array_equal(trees["known_categories"], known):
        raise ValueError("init_model was fitted on other categories.")
    return trees


def spread_categories(
    estimator: Any, X: Any, y: Any, weight: Any, codes: Codes | None, init_model: Any
) -> Any:
    """Give categories that are too many for bins their target statistics.

    Returns the rows to learn from, the codes of the other categories, and for each feature of
    the training its column among new rows and among the rows to learn from.
    """
    if codes is None:
        order = np.arange(X.shape[1])
        return X, codes, order, order
    large = [k for k, values in enumerate(codes.categories) if len(values) > estimator.max_bins]
    if not large:
        return X, codes, codes.order, codes.order
    sizes = [len(codes.categories[k]) for k in large]
    if estimator.warm_start or init_model is not None:
        raise ValueError(
            f"a feature has {max(sizes)} categories, more than max_bins={estimator.max_bins}: its "
            "target statistics (high_cardinality) go with neither warm_start nor init_model."
        )
    estimator._target_statistics, X, of_others = fit_statistics(
        X, codes.order[large], sizes, y, len(getattr(estimator, "classes_", ())), weight,
        estimator._random_seed, estimator.high_cardinality,
    )  # fmt: skip
    n_columns = X.shape[1] - len(of_others)  # of new rows
    small = [k for k in range(len(codes.categories)) if k not in large]
    front = codes.order[small]
    order = np.concatenate([front, np.setdiff1d(np.arange(n_columns), front)])
    own_order = np.concatenate([order, np.arange(n_columns, X.shape[1])])
    order = np.concatenate([order, np.asarray(of_others, dtype=order.dtype)])
    return X, Codes(order, [codes.categories[k] for k in small]), order, own_order


def evaluation_sets(estimator: Any, eval_set: Any, names: Any, groups: Any) -> list[EvaluationSet]:
    """Return the evaluation sets, arranged and encoded."""
    if eval_set is None:
        return []
    if isinstance(eval_set, tuple):
        eval_set = [eval_set]
    if not isinstance(eval_set, list):
        raise ValueError("eval_set must be a list of (X, y) or (X, y, sample_weight).")
    names = [f"valid_{i}" for i in range(len(eval_set))] if names is None else list(names)
    if len(names) != len(eval_set) or len(set(names)) != len(names):
        raise ValueError("eval_names must give every set of eval_set a name of its own.")
    found = []
    for index, (name, rows) in enumerate(zip(names, eval_set, strict=True)):
        if not isinstance(rows, tuple | list) or len(rows) not in (2, 3):
            raise ValueError("eval_set must be a list of (X, y) or (X, y, sample_weight).")
        X = estimator._arrange(rows[0])
        y = estimator._encode_y_val(_check_y(rows[1], estimator=estimator))
        check_consistent_length(X, y)
        weight = rows[2] if len(rows) == 3 else None
        if weight is not None:
            weight = _check_sample_weight(weight, X, dtype=np.float64)
        of_set = None if groups is None else groups[index]
        found.append(EvaluationSet(name, X, y, weight, of_set))
    return found
