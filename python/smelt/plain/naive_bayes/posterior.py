"""From joint log-probabilities to classes or probabilities; counts of features within classes."""

import numpy as np


def answer(joint, output):
    """Return what is asked for, and whether each row has a finite best score."""
    finite = bool(np.isfinite(joint.max(axis=1)).all())
    if output == "label":
        return joint.argmax(axis=1), finite
    if output == "joint_log_proba":
        return joint, finite
    with np.errstate(invalid="ignore"):
        shifted = joint - joint.max(axis=1, keepdims=True)  # so that nothing overflows
        total = np.exp(shifted).sum(axis=1, keepdims=True)
        if output == "log_proba":
            return shifted - np.log(total), finite
        return np.exp(shifted) / total, finite


def to_dense(X):
    """Return the rows of a matrix, or of the arrays of compressed rows, as a matrix."""
    if not isinstance(X, tuple):
        return X.astype(float)
    indptr, indices, data, n_columns = X
    dense = np.zeros((len(indptr) - 1, n_columns))
    rows = np.repeat(np.arange(len(dense)), np.diff(indptr))
    np.add.at(dense, (rows, indices), data)
    return dense


def count(X, y, sample_weight, n_classes, feature_count, class_count):
    """Return weighted sums of features and of rows for each class, with those of before."""
    member = (y[:, None] == np.arange(n_classes)).astype(float)
    if sample_weight is not None:
        member *= sample_weight[:, None]
    features, classes = member.T @ X, member.sum(axis=0)
    if feature_count is None:
        return features, classes
    return features + feature_count, classes + class_count
