"""Means of clusters, and how far their rows lie from them."""

import numpy as np


def cluster_dispersion(X, labels, n_clusters):
    X = X.astype(np.float64)
    # 1. the mean of each cluster
    counts = np.bincount(labels, minlength=n_clusters)
    members = (labels == np.arange(n_clusters)[:, None]).astype(np.float64)  # k x n
    means = members @ X / np.maximum(counts, 1)[:, None]
    # 2. squared distances of the rows to it, and their roots
    squares = ((X - means[labels]) ** 2).sum(axis=1)
    return {
        "counts": counts,
        "means": means,
        "squares": members @ squares,
        "distances": members @ np.sqrt(squares),
    }
