"""Soft membership in the clusters of a condensed tree."""

from __future__ import annotations

from typing import Any

import numpy as np

from smelt.neighbors import NearestNeighbors

#: Rows whose memberships are made at once.
_BLOCK = 8192


def exemplars(tree: dict[str, Any], clusters: np.ndarray) -> list[np.ndarray]:
    """Return the rows that stay longest in the last parts of each cluster."""
    parent, child, rates = tree["parent"], tree["child"], tree["lambda"]
    n = parent.min()
    most = largest_rates(tree)
    is_split = np.zeros(len(most), dtype=bool)
    is_split[parent[child >= n] - n] = True
    stays = (child < n) & (rates == most[parent - n]) & ~is_split[parent - n]
    tops = top_cluster(tree, clusters)[parent - n]
    return [child[stays & (tops == place)] for place in range(len(clusters))]


def largest_rates(tree: dict[str, Any]) -> np.ndarray:
    """Return the largest lambda of each node of the tree of clusters."""
    n = tree["parent"].min()
    out = np.zeros(tree["parent"].max() - n + 1)
    np.maximum.at(out, tree["parent"] - n, tree["lambda"])
    return out


def top_cluster(tree: dict[str, Any], clusters: np.ndarray) -> np.ndarray:
    """Return the place among ``clusters`` of the one at or above each node, -1 for none."""
    n, above = tree["parent"].min(), parents(tree)
    out = np.full(len(above), -1)
    out[clusters - n] = np.arange(len(clusters))
    for node in range(1, len(above)):  # parents come before their children
        if out[node] < 0:
            out[node] = out[above[node]]
    return out


def parents(tree: dict[str, Any]) -> np.ndarray:
    """Return the parent of each node of the tree of clusters, all counted from the root."""
    n = tree["parent"].min()
    out = np.zeros(tree["parent"].max() - n + 1, dtype=int)
    is_cluster = tree["child"] >= n
    out[tree["child"][is_cluster] - n] = tree["parent"][is_cluster] - n
    return out


def partings(tree: dict[str, Any], clusters: np.ndarray) -> np.ndarray:
    """Return the lambda at which each node and each cluster part; NaN where one holds the other."""
    n, above = tree["parent"].min(), parents(tree)
    birth = np.zeros(len(above))
    is_cluster = tree["child"] >= n
    birth[tree["child"][is_cluster] - n] = tree["lambda"][is_cluster]
    out = np.full((len(above), len(clusters)), np.nan)
    for place, cluster in enumerate(clusters - n):
        way = {cluster}
        while cluster:
            cluster = above[cluster]
            way.add(cluster)
        for node in range(1, len(above)):
            if node in way:
                continue
            parent = above[node]
            # Below the cluster itself nothing parts; beside the way it is the node's own birth.
            own = clusters[place] - n
            if parent in way:
                out[node, place] = np.nan if parent == own else birth[node]
            else:
                out[node, place] = out[parent, place]
    return out


def membership_vectors(
    X: np.ndarray, tree: dict[str, Any], clusters: np.ndarray, *, metric: Any, metric_params: Any
) -> np.ndarray:
    """Return how much each row belongs to each cluster."""
    out = np.zeros((len(X), len(clusters)))
    if not len(clusters):
        return out
    n = tree["parent"].min()
    is_row = tree["child"] < n
    node, rate = np.empty(n, dtype=int), np.empty(n)
    node[tree["child"][is_row]] = tree["parent"][is_row] - n
    rate[tree["child"][is_row]] = tree["lambda"][is_row]
    most, apart = largest_rates(tree), partings(tree, clusters)
    searches = [
        NearestNeighbors(n_neighbors=1, metric=metric, metric_params=metric_params).fit(X[rows])
        for rows in exemplars(tree, clusters)
    ]
    for start in range(0, len(X), _BLOCK):
        part = slice(start, start + _BLOCK)
        # 1. Nearness to the exemplars, as shares.
        distances = np.column_stack([search.kneighbors(X[part])[0][:, 0] for search in searches])
        with np.errstate(divide="ignore", over="ignore"):
            near = np.where(distances > 0, 1 / distances, np.finfo(float).max / len(clusters))
            near /= near.sum(axis=1, keepdims=True)
        # 2. How late row and cluster part, as shares.
        heights = apart[node[part]]
        heights = np.where(np.isnan(heights), rate[part, None], heights)
        largest = most[node[part]][:, None] + 1e-8
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            late = largest / (largest - heights)
            late = np.exp(late - np.nanmax(late, axis=1, keepdims=True))
            late = np.where(np.isfinite(late), late, 1.0)
            late /= late.sum(axis=1, keepdims=True)
            # 3. Together, as shares of the probability to be in some cluster.
            out[part] = near * late
            out[part] /= out[part].sum(axis=1, keepdims=True)
            nearest = heights.argmax(axis=1)
            bound = np.maximum(most[clusters - n][nearest], rate[part])
            inside = heights.max(axis=1) / bound
        out[part] *= np.where(np.isfinite(inside), inside, 1.0)[:, None]
    return out
