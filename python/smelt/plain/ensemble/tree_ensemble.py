"""Prediction with an ensemble of trees.  Kernel: ``crates/smelt-tree/src/predict.rs``."""

import numpy as np

from smelt.plain.tree.predict import member


def tree_ensemble_predict(X, *, baseline, value, **trees):
    """Start values plus the leaves of all trees, (n_rows, n_outputs)."""
    out = np.repeat(baseline[None, :], len(X), axis=0)
    for tree, leaf in enumerate(tree_ensemble_leaves(X, **trees)):
        out[:, tree % len(baseline)] += value[leaf]
    return out


def tree_ensemble_leaves(
    X,
    *,
    tree_offsets,
    feature,
    threshold,
    left,
    right,
    missing_left,
    category_set,
    left_categories,
    known_categories,
    **_,
):
    """Yield, tree by tree, the leaf that each row reaches."""
    for root in tree_offsets[:-1]:
        node = np.full(len(X), root, dtype=np.int64)
        moving = np.flatnonzero(left[node] > 0)
        while len(moving):
            at = node[moving]
            x = X[moving, feature[at]].astype(np.float64)
            goes_left = np.where(np.isnan(x), missing_left[at] == 1, x <= threshold[at])
            is_set = category_set[at] >= 0
            if is_set.any():
                at_set, x_set = at[is_set], x[is_set]
                is_code = (x_set >= 0) & (x_set < 256) & (x_set % 1 == 0)
                code = np.where(is_code, x_set, 0).astype(np.uint32)
                is_left = is_code & member(left_categories[category_set[at_set]], code)
                is_known = is_code & member(known_categories[feature[at_set]], code)
                goes_left[is_set] = is_left | (~is_known & (missing_left[at_set] == 1))
            node[moving] = root + np.where(goes_left, left[at], right[at]).astype(np.int64)
            moving = moving[left[node[moving]] > 0]
        yield node
