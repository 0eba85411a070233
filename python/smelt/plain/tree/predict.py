"""Rows go down decision trees."""

from __future__ import annotations

import numpy as np

from smelt.plain.tree.table import by_row


def tree_apply(X, trees):
    """Return the leaf that every row reaches in every tree, counted from the tree's root."""
    X = by_row(X)
    offsets, left, right, feature, threshold, missing_left, _value, *sets = trees
    category_set = sets[0] if sets else ()
    out = np.zeros((len(X), len(offsets) - 1), dtype=np.int64)
    rows = np.arange(len(X))
    for tree, root in enumerate(offsets[:-1]):
        node = np.zeros(len(X), dtype=np.int64)
        while (inner := left[root + node] >= 0).any():
            at = root + node
            x = X[rows, np.maximum(feature[at], 0)].astype(np.float64)
            goes_left = (x <= threshold[at]) | (np.isnan(x) & (missing_left[at] == 1))
            if len(category_set) and (by_set := category_set[at] >= 0).any():
                goes_left[by_set] = goes_left_by_set(x[by_set], at[by_set], trees)
            node = np.where(inner, np.where(goes_left, left[at], right[at]), node)
        out[:, tree] = node
    return out


def goes_left_by_set(x, at, trees):
    """Return where values go at cuts by categories; unknown ones go with missing ones."""
    feature, missing_left, category_set = trees[3], trees[5], trees[7]
    left_categories, known_categories = (words.reshape(-1, 8) for words in trees[8:])
    is_code = (x >= 0) & (x < 256) & (x % 1 == 0)
    code = np.where(is_code, x, 0).astype(np.uint32)
    is_left = is_code & member(left_categories[category_set[at]], code)
    is_known = is_code & member(known_categories[feature[at]], code)
    return is_left | (~is_known & (missing_left[at] == 1))


def member(sets, codes):
    """Return whether each code is in its set of 256 bits."""
    words = sets[np.arange(len(codes)), codes // 32]
    return (words >> (codes % 32)) & 1 == 1


def tree_predict(X, trees):
    """Return the mean over the trees of the values of the leaves."""
    offsets, value = trees[0], trees[6].reshape(len(trees[1]), -1)
    leaves = tree_apply(X, trees) + offsets[:-1]
    return sum(value[leaf] for leaf in leaves.T) / (len(offsets) - 1)
