"""Gaussian naive Bayes: each feature is normal within a class."""

import numpy as np

from smelt.plain.naive_bayes.posterior import answer


def gaussian_nb_fit(X, y, sample_weight=None, *, n_classes):
    X = X.astype(float)
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    mean, variance = np.zeros((2, n_classes, X.shape[1]))
    # 1. rows, weight, mean and variance of each class
    totals = np.bincount(y, weight, n_classes)
    for c in np.flatnonzero(totals):
        rows, share = X[y == c], weight[y == c, None] / totals[c]
        mean[c] = (share * rows).sum(axis=0)
        variance[c] = (share * (rows - mean[c]) ** 2).sum(axis=0)
    # 2. the largest variance over all rows
    return {
        "n_rows": np.bincount(y, minlength=n_classes),
        "weight": totals,
        "mean": mean,
        "variance": variance,
        "largest_variance": X.var(axis=0).max(),
    }


def gaussian_nb_predict(X, mean, variance, prior, output):
    # 1. ln P(x, c), class by class
    with np.errstate(divide="ignore", invalid="ignore"):
        log_scale = np.log(2 * np.pi * variance).sum(axis=1)
        squares = [((X - m) ** 2 / v).sum(axis=1) for m, v in zip(mean, variance, strict=True)]
        joint = np.log(prior) - 0.5 * log_scale - 0.5 * np.array(squares).T
    # 2. normalise by the sum over the classes
    return answer(joint.astype(X.dtype), output)
