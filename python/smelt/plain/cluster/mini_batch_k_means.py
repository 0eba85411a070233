"""Mini-batch k-means: centres are means of all rows seen so far, a small batch at a time."""

import numpy as np

from smelt.plain.cluster.k_means import nearest
from smelt.plain.linear_model.least_squares import to_dense


def mini_batch_k_means_fit_step(X, rows, sample_weight, centers, counts):
    # 1. the rows of the batch, and the nearest centre of each
    X = X[rows]
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    shift = centers.mean(axis=0)
    labels = nearest(X - shift, centers - shift)
    inertia = weight @ ((X - centers[labels]) ** 2).sum(axis=1)
    # 2. each centre moves to the mean of what it has seen and its rows in the batch
    members = np.eye(len(centers))[labels] * weight[:, None]
    seen = members.sum(axis=0)
    moved = (counts[:, None] * centers + members.T @ X) / np.maximum(counts + seen, 1e-300)[:, None]
    return {
        "centers": np.where(seen[:, None] > 0, moved, centers).astype(centers.dtype),
        "counts": counts + seen,
        "inertia": float(inertia),
    }


def mini_batch_k_means_fit_step_sparse(X, *arguments):
    return mini_batch_k_means_fit_step(to_dense(X), *arguments)
