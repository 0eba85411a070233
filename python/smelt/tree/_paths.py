"""What scikit-learn reads from its ``Tree``, read from the arrays: paths and importances."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

Nodes = dict[str, Any]


def decision_path(nodes: Nodes, leaves: np.ndarray) -> sp.csr_matrix:
    """Return which nodes the rows go through, from the leaf that each reaches in every tree.

    ``leaves`` is (n_samples, n_trees); the matrix is (n_samples, n_nodes), trees behind each other.
    """
    n_nodes = len(nodes["feature"])
    offsets = nodes.get("offsets", np.array([0, n_nodes]))
    root = np.repeat(offsets[:-1], np.diff(offsets))
    parent = np.full(n_nodes, -1, dtype=np.int64)
    inner = np.flatnonzero(nodes["children_left"] >= 0)
    for name in ("children_left", "children_right"):
        parent[root[inner] + nodes[name][inner]] = inner
    depth = np.zeros(n_nodes, dtype=np.int64)
    for node in inner:  # parents come before their children
        for name in ("children_left", "children_right"):
            depth[root[node] + nodes[name][node]] = depth[node] + 1
    at = (leaves + offsets[:-1]).astype(np.int64).ravel()
    ends = np.cumsum(depth[at] + 1)
    indices = np.empty(ends[-1] if len(ends) else 0, dtype=np.int32)
    place = ends - 1
    while len(at):
        indices[place] = at
        at, place = parent[at], place - 1
        goes_on = at >= 0
        at, place = at[goes_on], place[goes_on]
    indptr = np.concatenate([[0], ends[leaves.shape[1] - 1 :: leaves.shape[1]]])
    ones = np.ones(len(indices), dtype=np.int64)
    return sp.csr_matrix((ones, indices, indptr), shape=(len(leaves), n_nodes))


def importances(nodes: Nodes, n_features: int) -> np.ndarray:
    """Return the share of the impurity that each column's cuts took away, the mean over trees."""
    offsets = nodes.get("offsets", np.array([0, len(nodes["feature"])]))
    n_trees = len(offsets) - 1
    tree = np.repeat(np.arange(n_trees), np.diff(offsets))
    inner = np.flatnonzero(nodes["children_left"] >= 0)
    root = offsets[tree[inner]]
    left, right = root + nodes["children_left"][inner], root + nodes["children_right"][inner]
    lost = nodes["weighted_n_node_samples"] * nodes["impurity"]
    gain = (lost[inner] - lost[left] - lost[right]) / nodes["weighted_n_node_samples"][root]
    place = tree[inner] * n_features + nodes["feature"][inner]
    sums = np.bincount(place, gain, n_trees * n_features).reshape(n_trees, n_features)
    totals = sums.sum(axis=1, keepdims=True)
    grown = np.diff(offsets) > 1
    if not grown.any():
        return np.zeros(n_features)
    mean: np.ndarray = (sums / np.where(totals > 0, totals, 1.0))[grown].mean(axis=0)
    return mean / mean.sum()
