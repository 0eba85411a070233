"""Symmetric trees: one cut a level.  Kernels: ``grower/symmetric.rs``, ``splitter/level.rs``."""

import numpy as np

from smelt.plain.ensemble.hist_gradient_boosting_nodes import Node, Split
from smelt.plain.ensemble.hist_gradient_boosting_splitter import (
    CATEGORY_SUPPORT,
    features_for,
    saving,
    value_of,
)

DEEPEST = 16


def grow_levels(data, root, g, h, rng, histograms):
    """Grow all levels below the root."""
    params, level = data.params, [root]
    depth = min(params["max_depth"] or DEEPEST, DEEPEST)
    if params["max_leaf_nodes"] is not None:
        depth = min(depth, int(np.log2(params["max_leaf_nodes"])))
    for _ in range(depth):
        # 1. The cut of the highest summed gain.
        features = features_for(data, level[0], rng)
        drawn = rng.random(len(data.n_bins)) if params["splitter"] == "random" else None
        active = [node for node in level if has_say(data, node)]
        best = None
        for feature in features if active else ():
            place = None if drawn is None else drawn[feature]
            split = level_split(data, active, feature, place)
            if split is not None and (best is None or split.gain > best.gain):
                best = split
        if best is None:
            break
        # 2. Rows to the children.
        flags = [best.left_bins[data.bins[best.feature, node.rows]] for node in level]
        if not data.has_missing[best.feature]:
            # Nothing was missing in training: later, missing values join the larger side.
            best.missing_left = bool(2 * sum(f.sum() for f in flags) > len(root.rows))
        # 3. The children.
        pairs = zip(level, flags, strict=True)
        level = [child for pair in pairs for child in part(data, *pair, best)]
        for node in level:
            if has_say(data, node):
                node.histograms = histograms(data, g, h, node.rows)


def has_say(data, node):
    """Whether a node is large enough to be cut."""
    enough = len(node.rows) >= 2 * data.params["min_samples_leaf"]
    return enough and node.hessian >= data.params["min_child_weight"]


def level_split(data, nodes, feature, drawn):
    """The cut of one feature with the highest summed gain, or None."""
    n_bins, has_missing = data.n_bins[feature], bool(data.has_missing[feature])
    bins, best = np.arange(n_bins + 1), None
    if data.is_categorical[feature]:
        orders = category_orders(data, nodes, feature)
    else:
        orders = [(bins[: n_bins - 1 + has_missing], False)]
        if has_missing:
            orders.append((bins[: n_bins - 1], True))
    for order, with_missing in orders:
        gain = np.zeros(len(order))
        for node in nodes:
            sums = np.cumsum(node.histograms[feature][:, order], axis=1)
            if with_missing:
                sums += node.histograms[feature][:, n_bins:]
            gain += gains(data, node, *sums)
        if len(gain) == 0:
            continue
        at = int(gain.argmax() if drawn is None else drawn * len(gain))
        least = max(data.params["min_gain_to_split"], 0 if best is None else best.gain)
        if gain[at] > least:
            left = np.isin(bins, order[: at + 1])
            left[-1] |= with_missing
            best = Split(gain[at], feature, left, bool(left[-1]), 0.0, 0.0)
    return best


def category_orders(data, nodes, feature):
    """Categories by the gradients of the whole level, from both ends up to the middle."""
    gradient, hessian, _ = sum(node.histograms[feature] for node in nodes)
    n, total = sum(len(node.rows) for node in nodes), sum(node.hessian for node in nodes)
    used = np.arange(data.n_bins[feature] + data.has_missing[feature])
    used = used[hessian[used] * (n / total) >= CATEGORY_SUPPORT]
    if len(used) <= 1:
        return []
    order = used[np.lexsort([-used, gradient[used] / (hessian[used] + CATEGORY_SUPPORT)])]
    middle = (len(used) + 1) // 2
    return [(order[:middle], False), (order[::-1][: middle - 1], False)]


def gains(data, node, gradient, hessian, count):
    """What cuts save in one node; 0 where a child would be too small."""
    few, light = data.params["min_samples_leaf"], data.params["min_child_weight"]
    other = (node.gradient - gradient, node.hessian - hessian)
    gain = -saving(data, node.gradient, node.hessian, node.value)
    gain = gain + saving(data, gradient, hessian, value_of(data, gradient, hessian, node))
    gain = gain + saving(data, *other, value_of(data, *other, node))
    sound = (count >= few) & (len(node.rows) - count >= few)
    return np.where(sound & (hessian >= light) & (other[1] >= light), gain, 0.0)


def part(data, node, goes_left, split):
    """Return the two children of a node; a child with too few rows keeps its value."""
    gradient = hessian = 0.0
    if node.histograms is not None:
        gradient, hessian, _ = node.histograms[split.feature][:, split.left_bins].sum(axis=1)
    own = float(gains(data, node, gradient, hessian, goes_left.sum()))
    node.split = Split(own, split.feature, split.left_bins, split.missing_left, gradient, hessian)
    groups = data.kept_groups(node, split.feature)
    children = []
    for rows, *sums in (
        (node.rows[goes_left], gradient, hessian),
        (node.rows[~goes_left], node.gradient - gradient, node.hessian - hessian),
    ):
        child = Node(rows, *sums, node.value, depth=node.depth + 1, groups=groups)
        if node.histograms is not None and len(rows) >= data.params["min_samples_leaf"]:
            child.value = value_of(data, *sums, node)
        children.append(child)
    node.children = tuple(children)
    return node.children
