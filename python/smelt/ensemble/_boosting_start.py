"""What a fit of boosting starts from: groups of features that may meet, trees of another model."""

from __future__ import annotations

import itertools
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted


def interaction_groups(interaction_cst: Any, order: np.ndarray) -> list[list[int]] | None:
    """Return the groups of features that may meet, by their place in ``order``."""
    n_features = len(order)
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
    place = np.argsort(order)
    return [sorted(int(place[x]) for x in group) for group in [*groups, rest] if group]


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
