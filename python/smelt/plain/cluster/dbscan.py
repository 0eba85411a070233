"""DBSCAN: clusters are what dense rows reach in steps of at most eps."""

import numpy as np

from smelt.plain.neighbors.nearest_neighbors import TERM, joined


def dbscan_fit(X, sample_weight=None, *, eps, min_samples, metric, p, algorithm, leaf_size):
    n = len(X)
    weight = np.ones(n) if sample_weight is None else sample_weight
    limit = TERM[metric](eps, p)

    def near(row):
        differences = X.T - X[row][:, None]
        return joined(differences, {"metric": metric, "p": p}) <= limit

    # 1. Core rows: enough weight lies within eps of them.
    is_core = np.array([weight[near(row)].sum() >= min_samples for row in range(n)])
    # 2. From each core row without a cluster: all that core rows reach, step by step.
    labels, n_clusters = np.full(n, -1), 0
    for start in np.flatnonzero(is_core):
        if labels[start] != -1:
            continue
        labels[start] = n_clusters
        waiting = [start]
        while waiting:
            reached = near(waiting.pop()) & (labels == -1)
            labels[reached] = n_clusters
            # 3. Rows that are not core join the cluster, and reach no others.
            waiting.extend(np.flatnonzero(reached & is_core))
        n_clusters += 1
    return {"labels": labels, "core_sample_indices": np.flatnonzero(is_core)}
