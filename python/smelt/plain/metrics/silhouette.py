"""Silhouette of each row: (b - a) / max(a, b) by mean distances within and to the next cluster."""

import numpy as np


def silhouette_samples(X, labels, n_clusters):
    # 1. sums of the distances of each row to the rows of each cluster
    distance = np.sqrt(((X[:, None] - X) ** 2).sum(axis=2))
    members = np.eye(n_clusters)[labels]  # n x k
    sums, counts = distance @ members, members.sum(axis=0)
    # 2. a: mean within the own cluster, without the row itself; b: least mean of another
    own = members.astype(bool)
    a = sums[own] / np.maximum(counts[labels] - 1, 1)
    b = np.where(own, np.inf, sums / counts).min(axis=1)
    largest = np.maximum(a, b)
    silhouette = (b - a) / np.where(largest > 0, largest, 1)
    return np.where(counts[labels] > 1, silhouette, 0.0)
