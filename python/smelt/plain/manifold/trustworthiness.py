"""Trustworthiness in NumPy.  Kernel: ``smelt-learn/src/manifold/trustworthiness.rs``."""

import numpy as np


def trustworthiness_penalty(X, neighbors):
    k, penalty = neighbors.shape[1], 0
    for i, chosen in enumerate(neighbors):
        # 1. squared distances of a row to all others
        distance = ((X - X[i]) ** 2).sum(axis=1)
        distance[i] = np.inf
        # 2. ranks; of equal distances the first row comes first
        rank = np.empty(len(X), dtype=int)
        rank[np.argsort(distance, kind="stable")] = np.arange(1, len(X) + 1)
        # 3. how far beyond the first k
        penalty += np.maximum(rank[chosen] - k, 0).sum()
    return float(penalty)
