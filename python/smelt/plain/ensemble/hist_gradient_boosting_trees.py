"""Grown trees: walked through by binned rows, and as arrays.  Kernel: ``boosting/trees.rs``."""

import numpy as np


def leaves(node):
    """All leaves below a node."""
    if node.children is None:
        return [node]
    return [leaf for child in node.children for leaf in leaves(child)]


def add(root, data, rows, raw, factor=1.0):
    """Add the tree's leaves, times a factor, to the raw predictions of (bins, numbers) of rows."""
    bins, numbers = rows
    waiting = [(root, np.arange(len(raw)))]
    while waiting:
        node, rows = waiting.pop()
        if node.children is None:
            raw[rows] += factor * answers(node, numbers, rows)
            continue
        split = node.split
        codes = bins[split.feature, rows]
        is_missing = codes == data.n_bins[split.feature]
        goes_left = np.where(is_missing, split.missing_left, split.left_bins[codes])
        waiting += [(node.children[0], rows[goes_left]), (node.children[1], rows[~goes_left])]


def answers(leaf, numbers, rows):
    """What a leaf gives rows: its terms, or its value where it has none or one is missing."""
    if leaf.linear is None:
        return leaf.value
    intercept, features, coefficients = leaf.linear
    found = intercept + coefficients @ numbers[features][:, rows]
    return np.where(np.isnan(found), leaf.value, found)


def arrays(trees, data, borders):
    """All trees as a struct of arrays, parents before children, left before right."""
    records, offsets, sets, linear = [], [0], [], []
    for root in trees:
        start = len(records)
        waiting = [(root, None)]
        while waiting:
            node, parent = waiting.pop()
            at = len(records)
            if parent is not None:
                records[parent]["right"] = at - start
            records.append(record(node, data, borders, sets, at - start))
            linear.append(node.linear or (0.0, [], []))
            if node.children is not None:
                waiting += [(node.children[1], at), (node.children[0], None)]
        offsets.append(len(records))
    types = {
        "feature": np.uint32,
        "threshold": np.float64,
        "left": np.uint32,
        "right": np.uint32,
        "value": np.float64,
        "missing_left": np.uint8,
        "category_set": np.int32,
        "count": np.uint32,
        "gain": np.float64,
        "depth": np.uint32,
    }
    out = {name: np.array([r[name] for r in records], dtype=t) for name, t in types.items()}
    out["tree_offsets"] = np.array(offsets, dtype=np.uint32)
    out["left_categories"] = np.array(sets, dtype=np.uint32).reshape(-1, 8)
    if data.params["linear_regularization"] is not None:
        out |= {
            "linear_offsets": np.cumsum([0, *(len(leaf[1]) for leaf in linear)], dtype=np.uint32),
            "linear_feature": np.array([j for leaf in linear for j in leaf[1]], dtype=np.uint32),
            "linear_coefficient": np.array([c for leaf in linear for c in leaf[2]], dtype=float),
            "linear_intercept": np.array([leaf[0] for leaf in linear], dtype=float),
        }
    return out


def record(node, data, borders, sets, at):
    """One node's entries in the arrays."""
    entry = {
        "feature": 0,
        "threshold": 0.0,
        "left": 0,
        "right": 0,
        "value": node.value,
        "missing_left": 0,
        "category_set": -1,
        "count": len(node.rows),
        "gain": -1.0 if node.split is None else node.split.gain,
        "depth": node.depth,
    }
    if node.children is None:
        return entry
    split, of = node.split, borders[node.split.feature]
    entry |= {"feature": split.feature, "left": at + 1, "missing_left": int(split.missing_left)}
    if data.is_categorical[split.feature]:
        words = [0] * 8
        for category in of[split.left_bins[:-1]].astype(int):
            words[category // 32] |= 1 << (category % 32)
        entry["category_set"] = len(sets)
        sets.append(words)
    else:
        last = int(np.flatnonzero(split.left_bins[:-1])[-1])
        entry["threshold"] = of[last] if last < len(of) else np.inf
    return entry


def scale(root, factor):
    """Multiply all values of a tree."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        node.value *= factor
        if node.linear is not None:
            intercept, features, coefficients = node.linear
            node.linear = (factor * intercept, features, factor * coefficients)
        waiting += node.children or ()
