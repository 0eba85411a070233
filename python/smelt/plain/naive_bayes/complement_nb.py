"""Complement naive Bayes: a class is judged by the words of all others."""

import numpy as np

from smelt.plain.naive_bayes.posterior import answer, count, to_dense


def complement_nb_fit(
    X, y, sample_weight=None, feature_count=None, class_count=None, *, n_classes, alpha, norm
):
    X = to_dense(X)
    # 1. count features within classes
    features, classes = count(X, y, sample_weight, n_classes, feature_count, class_count)
    # 2. counts outside each class
    outside = features.sum(axis=0) + np.asarray(alpha) - features
    # 3. weights: how unlikely a feature is outside the class
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(outside / outside.sum(axis=1, keepdims=True))
        weights = logs / logs.sum(axis=1, keepdims=True) if norm else -logs
    return {
        "class_count": classes,
        "feature_count": features,
        "feature_log_prob": weights,
        "negative": bool((X < 0).any()),
    }


def complement_nb_predict(X, feature_log_prob, class_log_prior, output):
    return answer(to_dense(X) @ feature_log_prob.T + class_log_prior, output)
