"""What the k nearest rows say: votes for classes, means of targets."""

import numpy as np


def k_neighbors_vote(starts, ids, weights, codes, n_classes):
    # Each neighbour gives its weight to its class.
    votes = np.zeros((len(starts) - 1, n_classes))
    queries = np.repeat(np.arange(len(votes)), np.diff(starts))
    np.add.at(votes, (queries, codes[ids]), 1.0 if weights is None else weights)
    return votes


def k_neighbors_mean(starts, ids, weights, y):
    # The weighted mean of the neighbours' targets; 0 / 0 where there are none.
    sums, totals = np.zeros((len(starts) - 1, y.shape[1])), np.zeros(len(starts) - 1)
    queries = np.repeat(np.arange(len(sums)), np.diff(starts))
    weights = np.ones(len(ids)) if weights is None else weights
    np.add.at(sums, queries, y[ids] * weights[:, None])
    np.add.at(totals, queries, weights)
    with np.errstate(invalid="ignore"):
        return sums / totals[:, None]
