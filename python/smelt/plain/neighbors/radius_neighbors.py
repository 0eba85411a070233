"""What the rows within a radius say: the same as the k nearest, only not as many for each query."""

from smelt.plain.neighbors.k_neighbors import k_neighbors_mean, k_neighbors_vote


def radius_neighbors_vote(starts, ids, weights, codes, n_classes):
    return k_neighbors_vote(starts, ids, weights, codes, n_classes)


def radius_neighbors_mean(starts, ids, weights, y):
    return k_neighbors_mean(starts, ids, weights, y)
