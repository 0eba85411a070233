"""One tree, node by node in the order of the policy, or level by level.

Kernels: ``crates/smelt-tree/src/histogram/``, ``boosting/grower/``.
"""

from dataclasses import replace
from heapq import heappop, heappush
from math import inf

import numpy as np

from smelt.plain.ensemble.hist_gradient_boosting_nodes import Node
from smelt.plain.ensemble.hist_gradient_boosting_splitter import (
    best_split,
    draw_features,
    features_for,
    value_of,
)
from smelt.plain.ensemble.hist_gradient_boosting_symmetric import grow_levels


def grow(data, g, h, rows, rng):
    """Grow a tree on ``rows`` for gradients ``g`` and curvatures ``h``; return its root."""
    max_leaf_nodes = data.params["max_leaf_nodes"] or inf
    max_depth = data.params["max_depth"] or inf
    least = data.params["min_samples_leaf"]
    data.of_tree = draw_features(data, rng)

    # 1. The root's histogram, and its best cut.
    root = Node(rows, 0.0, float(len(rows)))
    root.groups = None if data.interactions is None else list(range(len(data.interactions)))
    root.histograms = histograms(data, g, h, rows)
    sums = np.zeros((2, data.params["max_bins"] + 1))
    sums[:, : data.n_bins[0]] = root.histograms[0][:2, :-1]
    sums[:, -1] = root.histograms[0][:2, -1]
    root.gradient = sums[0].sum()
    if not data.constant_hessian:
        root.hessian = sums[1].sum()
    if data.gives_root_a_value:
        root.value = value_of(data, root.gradient, root.hessian, root)
    if data.params["grow_policy"] == "symmetric":
        grow_levels(data, root, g, h, rng, histograms)
        return root
    waiting, n_leaves = [], 1
    if len(rows) >= 2 * least and root.hessian >= data.params["min_child_weight"]:
        find_split(data, root, waiting, rng)

    while waiting and n_leaves < max_leaf_nodes:
        # 2. Partition the rows of the first waiting node.
        node = heappop(waiting)
        left, right = node.children = cut(data, node)
        n_leaves += 1
        if n_leaves == max_leaf_nodes or left.depth == max_depth:
            continue
        wanted = [child for child in (left, right) if len(child.rows) >= 2 * least]
        if not wanted:
            continue

        # 3. Histogram of the smaller child; the larger one's is the parent's minus it.
        small, large = (left, right) if len(left.rows) < len(right.rows) else (right, left)
        small.histograms = histograms(data, g, h, small.rows)
        large.histograms = [a - b for a, b in zip(node.histograms, small.histograms, strict=True)]
        node.histograms = None

        # 4. The best cuts of both.
        for child in wanted:
            find_split(data, child, waiting, rng)
    return root


def histograms(data, g, h, rows):
    """Sums of gradients, curvatures and rows in each bin, (3, n_bins + 1) a feature."""
    found = []
    for bins, n_bins in zip(data.bins, data.n_bins, strict=True):
        bins = bins[rows]
        count = np.bincount(bins, minlength=n_bins + 1).astype(np.float64)
        gradient = np.bincount(bins, g[rows], n_bins + 1)
        hessian = count if data.constant_hessian else np.bincount(bins, h[rows], n_bins + 1)
        found.append(np.array([gradient, hessian, count]))
    return found


def find_split(data, node, waiting, rng):
    """Let the node wait, if some cut is worth it."""
    features = features_for(data, node, rng)
    drawn = rng.random(len(data.n_bins)) if data.params["splitter"] == "random" else None
    for feature in features:
        split = best_split(data, node, feature, drawn)
        if split is not None and (node.split is None or split.gain > node.split.gain):
            node.split = split
    if node.split is not None:
        by_level = data.params["grow_policy"] == "depth-wise"
        node.rank = (node.depth if by_level else 0, -node.split.gain)
        heappush(waiting, node)


def cut(data, node):
    """Return the two children of a node."""
    split = node.split
    goes_left = split.left_bins[data.bins[split.feature, node.rows]]
    pairs = [
        (node.rows[goes_left], split.gradient, split.hessian),
        (node.rows[~goes_left], node.gradient - split.gradient, node.hessian - split.hessian),
    ]
    groups = data.kept_groups(node, split.feature)
    left, right = (
        Node(*pair, value_of(data, *pair[1:], node), node.lower, node.upper, node.depth + 1, groups)
        for pair in pairs
    )
    between = (left.value + right.value) / 2
    if data.monotonic[split.feature] > 0:
        left, right = replace(left, upper=between), replace(right, lower=between)
    elif data.monotonic[split.feature] < 0:
        left, right = replace(left, lower=between), replace(right, upper=between)
    if not data.has_missing[split.feature]:
        # Nothing was missing in training: later, missing values join the larger child.
        split.missing_left = len(left.rows) > len(right.rows)
    return left, right
