"""Isolation forest: how few random cuts part a row from the others (Liu, Ting, Zhou 2008).

1. Draw a few rows for each tree.
2. Cut a node at a random threshold of a random column, or by a random hyperplane, until its rows
   are alone, alike or at the greatest depth.
3. A leaf's path length: its depth, and the average depth its rows would still need.
4. Score of a row: 2^(-mean path length / average path length of a tree).
"""

from __future__ import annotations

import numpy as np

from smelt.plain.ensemble.bag import draw_bag
from smelt.plain.tree.draw import Drawing, Xorshift
from smelt.plain.tree.predict import tree_apply
from smelt.plain.tree.table import by_column

CLOSE = np.float32(1e-7)


def isolation_forest_fit(X, probabilities=None, *, random_states, max_depth, bag):
    """Grow one tree for each of ``random_states``; return their nodes behind each other."""
    X, trees = by_column(X), []
    for state in random_states:
        columns, rows, seed = draw_bag(state, *X.shape, probabilities=probabilities, **bag)
        random = Xorshift(np.random.RandomState(seed).randint(2**31 - 1))
        drawing = Drawing(len(columns), 1)

        def cut(rows, n_constant, columns=columns, random=random, drawing=drawing):
            return random_cut(X, rows, columns, n_constant, drawing, random)

        tree = grow(np.unique(rows), max_depth, cut)
        trees.append({**tree, "tree_columns": columns})
    return join(trees)


def grow(rows, max_depth, cut):
    """2. Cut nodes depth first, the left child before the right one."""
    nodes = []
    waiting = [(rows, 0, None, "", 0)]
    while waiting:
        rows, depth, parent, side, n_constant = waiting.pop()
        node = {"left": -1, "right": -1, "feature": -2, "threshold": -2.0, "missing_left": 0}
        node.update(n=len(rows), path=depth + average_path_length(len(rows)), depth=depth)
        if parent is not None:
            parent[side] = len(nodes)
        nodes.append(node)
        if depth >= max_depth or len(rows) < 2:
            continue
        found, n_constant = cut(rows, n_constant)
        if found is not None:
            goes_left = found.pop("goes_left")
            node.update(found)
            waiting.append((rows[~goes_left], depth + 1, node, "right", n_constant))
            waiting.append((rows[goes_left], depth + 1, node, "left", n_constant))
    return {"nodes": nodes}


def random_cut(X, rows, columns, n_constant, drawing, random):
    """Return a random threshold of the first column drawn that is not constant."""
    found = {}

    def is_constant(drawn):
        x = X[rows, columns[drawn]]
        missing = np.isnan(x)
        known = x[~missing]
        if not len(known) or (not missing.any() and known.max() <= known.min() + CLOSE):
            return True
        low, high = float(known.min()), float(known.max())
        threshold = random.uniform(low, high)
        missing_left = missing.any() and random.integer(0, 2) == 1
        threshold = low if threshold == high else threshold
        goes_left = np.where(missing, missing_left, x <= threshold)
        if goes_left.any() and not goes_left.all():
            if not missing.any():
                missing_left = 2 * goes_left.sum() > len(rows)
            found.update(feature=columns[drawn], threshold=threshold)
            found.update(missing_left=missing_left, goes_left=goes_left)
        return False

    n_constant = drawing.columns(n_constant, is_constant, random)
    return found or None, n_constant


def average_path_length(n):
    """3. Return the average depth of a row in a random binary search tree of n rows."""
    if n <= 2:
        return float(n == 2)
    return 2.0 * (np.log(n - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / n


def join(trees):
    """Return the nodes of all trees as arrays."""
    nodes = [node for tree in trees for node in tree["nodes"]]

    def column(name, dtype):
        return np.array([node[name] for node in nodes], dtype=dtype)

    return {
        "offsets": np.cumsum([0] + [len(tree["nodes"]) for tree in trees]).astype(np.int64),
        "children_left": column("left", np.int32),
        "children_right": column("right", np.int32),
        "feature": column("feature", np.int32),
        "threshold": column("threshold", float),
        "missing_go_to_left": column("missing_left", np.uint8),
        "n_node_samples": column("n", np.int64),
        "path_length": column("path", float),
        "tree_columns": np.array([tree["tree_columns"] for tree in trees], dtype=np.int64),
        "max_depth": max(node["depth"] for node in nodes),
    }


def isolation_forest_score(X, trees, whole):
    """4. Return the score of every row, 0 (as others are) to 1 (soon alone)."""
    leaves = tree_apply(X, trees) + trees[0][:-1]
    length = trees[6][leaves].sum(axis=1)
    return 2.0 ** -(length / whole) if whole else np.full(len(X), 0.5)


def isolation_forest_fit_extended(
    X, probabilities=None, *, extension_level, random_states, max_depth, bag
):
    """Grow trees cut by hyperplanes in ``extension_level + 1`` columns (Hariri et al. 2021)."""
    X, trees, width = by_column(X), [], extension_level + 1
    for state in random_states:
        drawn, rows, seed = draw_bag(state, *X.shape, probabilities=probabilities, **bag)
        random = Xorshift(np.random.RandomState(seed).randint(2**31 - 1))
        columns = drawn.copy()

        def cut(rows, n_constant, columns=columns, random=random):
            if (X[np.ix_(rows, columns)] == X[rows[0], columns]).all():
                return None, 0
            normal, threshold = np.empty(width), 0.0
            for place in range(width):
                other = random.integer(place, len(columns))
                columns[[place, other]] = columns[[other, place]]
                x = X[rows, columns[place]].astype(float)
                radius = np.sqrt(-2.0 * np.log(1.0 - random.uniform(0.0, 1.0 - 1e-10)))
                normal[place] = radius * np.cos(2 * np.pi * random.uniform(0.0, 1.0))
                threshold += random.uniform(x.min(), x.max()) * normal[place]
            plane = columns[:width].copy(), normal
            side = (X[np.ix_(rows, plane[0])] * normal).sum(axis=1)
            found = {"plane": plane, "feature": plane[0][0], "threshold": threshold}
            return {**found, "goes_left": side <= threshold}, 0

        trees.append({**grow(np.unique(rows), max_depth, cut), "tree_columns": drawn})
    none = np.zeros(width, dtype=int), np.zeros(width)
    planes = [node.get("plane", none) for tree in trees for node in tree["nodes"]]
    return {
        **join(trees),
        "columns": np.array([columns for columns, _ in planes], dtype=np.int32),
        "normals": np.array([normal for _, normal in planes]),
    }


def isolation_forest_score_extended(X, trees, whole):
    """Return the score of every row, whose way is told by the planes."""
    offsets, left, right, threshold, columns, normals, path = trees
    columns, normals = columns.reshape(len(left), -1), normals.reshape(len(left), -1)
    length = np.zeros(len(X))
    for root in offsets[:-1]:
        node = np.full(len(X), root)
        while (inner := np.flatnonzero(left[node] >= 0)).size:
            at = node[inner]
            side = (X[inner[:, None], columns[at]] * normals[at]).sum(axis=1)
            node[inner] = root + np.where(side <= threshold[at], left[at], right[at])
        length += path[node]
    return 2.0 ** -(length / whole) if whole else np.full(len(X), 0.5)
