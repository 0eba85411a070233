"""Bernoulli naive Bayes: each feature is there or not, and its absence counts too."""

import numpy as np

from smelt.plain.naive_bayes.posterior import answer, count, to_dense


def bernoulli_nb_fit(
    X, y, sample_weight=None, feature_count=None, class_count=None, *, n_classes, alpha, threshold
):
    X = present(to_dense(X), threshold)
    # 1. count features above the threshold within classes
    features, classes = count(X, y, sample_weight, n_classes, feature_count, class_count)
    # 2. ln P(j | c), smoothed
    alpha = np.asarray(alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_prob = np.log(features + alpha) - np.log(classes[:, None] + 2 * alpha)
    return {
        "class_count": classes,
        "feature_count": features,
        "feature_log_prob": log_prob,
        "negative": bool((X < 0).any()),
    }


def bernoulli_nb_predict(X, feature_log_prob, class_log_prior, output, threshold=None):
    # All features absent, and what each that is there changes.
    with np.errstate(divide="ignore", invalid="ignore"):
        absent = np.log1p(-np.exp(feature_log_prob))
        joint = present(to_dense(X), threshold) @ (feature_log_prob - absent).T
    return answer(joint + absent.sum(axis=1) + class_log_prior, output)


def present(X, threshold):
    return X if threshold is None else (threshold < X).astype(float)
