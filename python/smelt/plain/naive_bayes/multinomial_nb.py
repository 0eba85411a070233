"""Multinomial naive Bayes: a row is a bag of counts drawn from its class."""

import numpy as np

from smelt.plain.naive_bayes.posterior import answer, count, to_dense


def multinomial_nb_fit(
    X, y, sample_weight=None, feature_count=None, class_count=None, *, n_classes, alpha
):
    X = to_dense(X)
    # 1. count features within classes
    features, classes = count(X, y, sample_weight, n_classes, feature_count, class_count)
    # 2. ln P(j | c), smoothed
    smoothed = features + np.asarray(alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_prob = np.log(smoothed) - np.log(smoothed.sum(axis=1, keepdims=True))
    return {
        "class_count": classes,
        "feature_count": features,
        "feature_log_prob": log_prob,
        "negative": bool((X < 0).any()),
    }


def multinomial_nb_predict(X, feature_log_prob, class_log_prior, output):
    return answer(to_dense(X) @ feature_log_prob.T + class_log_prior, output)
