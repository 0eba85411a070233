"""Categorical naive Bayes: each feature is one of several categories, drawn from its class."""

import numpy as np

from smelt.plain.naive_bayes.posterior import answer, count


def categorical_nb_fit(
    X, y, sample_weight=None, category_count=None, *, n_classes, alpha, min_categories, n_before
):
    # 1. the number of categories of each feature
    sizes = np.maximum.reduce([X.max(axis=0) + 1, min_categories, n_before])
    if X.min() < 0:
        return {"negative": True}
    # 2. count categories within classes: one column for each category of each feature
    features, classes = count(one_hot(X, sizes), y, sample_weight, n_classes, None, None)
    parts = np.split(features, np.cumsum(sizes)[:-1], axis=1)
    if category_count is not None:
        before = np.split(category_count, np.cumsum(n_before)[:-1], axis=1)
        for part, known in zip(parts, before, strict=True):
            part[:, : known.shape[1]] += known
    # 3. ln P(category | c), smoothed, feature by feature
    smoothed = [part + alpha for part in parts]
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = [np.log(part) - np.log(part.sum(axis=1, keepdims=True)) for part in smoothed]
    return {
        "n_categories": sizes,
        "class_count": classes,
        "category_count": np.concatenate(parts, axis=1),
        "feature_log_prob": np.concatenate(logs, axis=1),
        "negative": False,
    }


def categorical_nb_predict(X, feature_log_prob, class_log_prior, n_categories, output):
    for j, (code, known) in enumerate(zip(X.max(axis=0), n_categories, strict=True)):
        if code >= known:
            raise ValueError(f"index {code} is out of bounds for axis 1 with size {known}: {j}")
    first = np.cumsum(n_categories) - n_categories
    logs = feature_log_prob[:, first + X]  # k x n x d
    return answer(logs.sum(axis=2).T + class_log_prior, output)


def one_hot(X, sizes):
    columns = np.zeros((len(X), sizes.sum()))
    columns[np.arange(len(X))[:, None], np.cumsum(sizes) - sizes + X] = 1
    return columns
