"""Measures of clusters by the dispersion within and between them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_X_y
from sklearn.utils._param_validation import validate_params

from smelt._kernel import kernel
from smelt._validate import FLOATS, canonical, classes_and_codes


def _dispersion(X: Any, labels: Any) -> dict[str, Any]:
    X, labels = check_X_y(X, labels, dtype=list(FLOATS))
    classes, codes = classes_and_codes(labels)
    if not 1 < len(classes) < len(X):
        raise ValueError(
            f"Number of labels is {len(classes)}. Valid values are 2 to n_samples - 1 (inclusive)"
        )
    return kernel("metrics.cluster_dispersion")(canonical(X), codes, len(classes))  # type: ignore[no-any-return]


@validate_params(
    {"X": ["array-like"], "labels": ["array-like"]}, prefer_skip_nested_validation=True
)
def calinski_harabasz_score(X: Any, labels: Any) -> float:
    r"""Return how much more the clusters differ than the rows within them; more is better.

    .. math:: \frac{\sum_k n_k \lVert m_k - m \rVert^2 / (k - 1)}
        {\sum_k \sum_{i \in k} \lVert x_i - m_k \rVert^2 / (n - k)}

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows.
    labels : array-like of shape (n_samples,)
        Clusters.

    Returns
    -------
    float
        Ratio of the variances between and within; 1 where nothing varies within.

    Raises
    ------
    ValueError
        Where there are not 2 to ``n_samples - 1`` clusters.

    Notes
    -----
    Cost: two readings of X, ``3 * n * d`` flops, in float64.

    References
    ----------
    Calinski and Harabasz (1974), "A dendrite method for cluster analysis".

    Examples
    --------
    >>> from smelt.metrics import calinski_harabasz_score
    >>> round(calinski_harabasz_score([[0.0], [1.0], [10.0], [11.0]], [0, 0, 1, 1]), 6)
    200.0
    """
    found = _dispersion(X, labels)
    counts, means, within = found["counts"], found["means"], found["squares"].sum()
    mean = counts @ means / counts.sum()
    between = counts @ ((means - mean) ** 2).sum(axis=1)
    n, k = counts.sum(), len(counts)
    return 1.0 if within == 0 else float(between * (n - k) / (within * (k - 1.0)))


@validate_params(
    {"X": ["array-like"], "labels": ["array-like"]}, prefer_skip_nested_validation=True
)
def davies_bouldin_score(X: Any, labels: Any) -> float:
    r"""Return how alike each cluster and its most similar one are, on average; less is better.

    .. math:: \frac{1}{k} \sum_i \max_{j \ne i} \frac{s_i + s_j}{\lVert m_i - m_j \rVert}

    with s the mean distance of a cluster's rows to its mean m.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows.
    labels : array-like of shape (n_samples,)
        Clusters.

    Returns
    -------
    float
        Mean similarity, at least 0.

    Raises
    ------
    ValueError
        Where there are not 2 to ``n_samples - 1`` clusters.

    Notes
    -----
    Cost: two readings of X and ``k**2`` distances, in float64.

    References
    ----------
    Davies and Bouldin (1979), "A cluster separation measure".

    Examples
    --------
    >>> from smelt.metrics import davies_bouldin_score
    >>> round(davies_bouldin_score([[0.0], [1.0], [10.0], [11.0]], [0, 0, 1, 1]), 6)
    0.1
    """
    from sklearn.metrics import pairwise_distances

    found = _dispersion(X, labels)
    spread = found["distances"] / found["counts"]
    # About their mean, so that the distances keep their digits far from zero.
    apart = pairwise_distances(found["means"] - found["means"].mean(axis=0))
    if np.allclose(spread, 0) or np.allclose(apart, 0):
        return 0.0
    apart[apart == 0] = np.inf
    return float(((spread[:, None] + spread) / apart).max(axis=1).mean())
