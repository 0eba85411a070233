"""Rows go down decision trees."""

from __future__ import annotations

import numpy as np

from smelt.plain.tree.table import by_row


def tree_apply(X, trees):
    """Return the leaf that every row reaches in every tree, counted from the tree's root."""
    X = by_row(X)
    offsets, left, right, feature, threshold, missing_left, _ = trees
    out = np.zeros((len(X), len(offsets) - 1), dtype=np.int64)
    rows = np.arange(len(X))
    for tree, root in enumerate(offsets[:-1]):
        node = np.zeros(len(X), dtype=np.int64)
        while (inner := left[root + node] >= 0).any():
            at = root + node
            x = X[rows, np.maximum(feature[at], 0)].astype(np.float64)
            goes_left = (x <= threshold[at]) | (np.isnan(x) & (missing_left[at] == 1))
            node = np.where(inner, np.where(goes_left, left[at], right[at]), node)
        out[:, tree] = node
    return out


def tree_predict(X, trees):
    """Return the mean over the trees of the values of the leaves."""
    offsets, value = trees[0], trees[6].reshape(len(trees[1]), -1)
    leaves = tree_apply(X, trees) + offsets[:-1]
    return sum(value[leaf] for leaf in leaves.T) / (len(offsets) - 1)
