"""Measures of how far two clusterings agree, by the information that one gives about the other."""

from __future__ import annotations

from math import log, sqrt
from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from smelt._kernel import kernel
from smelt.metrics.contingency import TWO, Counts, checked_labels, counted

AVERAGES = {"average_method": [StrOptions({"arithmetic", "max", "min", "geometric"})]}
BETA = {"beta": [Interval(Real, 0, None, closed="left")]}


def _information(found: Counts) -> float:
    """Σ p ln(p / (p₁ p₂)) over the entries."""
    if len(found.first) == 1 or len(found.second) == 1:
        return 0.0  # one cluster tells nothing
    total = found.counts.sum()
    if total == 0:
        raise ValueError("mutual information needs at least one row")
    share = found.counts / total
    outer = found.first[found.rows] * found.second[found.indices]
    log_outer = -np.log(outer) + log(found.first.sum()) + log(found.second.sum())
    parts = share * (np.log(found.counts) - log(total)) + share * log_outer
    parts = np.where(np.abs(parts) < np.finfo(np.float64).eps, 0.0, parts)
    return float(np.clip(parts.sum(), 0.0, None))


def _entropy(sizes: np.ndarray) -> float:
    if len(sizes) == 0:
        return 1.0
    if len(sizes) == 1:
        return 0.0
    total = sizes.sum()
    return float(-np.sum((sizes / total) * (np.log(sizes) - log(total))))


def _average(first: float, second: float, method: str) -> float:
    if method == "min":
        return min(first, second)
    if method == "max":
        return max(first, second)
    return sqrt(first * second) if method == "geometric" else (first + second) / 2


def _trivial(found: Counts) -> bool:
    """Neither clustering splits the rows."""
    return len(found.first) == len(found.second) <= 1


@validate_params(
    {
        "labels_true": ["array-like", None],
        "labels_pred": ["array-like", None],
        "contingency": ["array-like", "sparse matrix", None],
    },
    prefer_skip_nested_validation=True,
)
def mutual_info_score(labels_true: Any, labels_pred: Any, *, contingency: Any = None) -> float:
    r"""Return the information, in nats, that one clustering gives about the other.

    .. math:: \sum_{ij} \frac{n_{ij}}{n} \ln \frac{n \, n_{ij}}{a_i b_j}

    Parameters
    ----------
    labels_true : array-like of shape (n_samples,)
        Classes; not looked at where a contingency matrix is given.
    labels_pred : array-like of shape (n_samples,)
        Clusters, likewise.
    contingency : {array-like, sparse matrix} of shape (n_classes, n_clusters), default=None
        Counts of classes and clusters.

    Returns
    -------
    float
        Mutual information, at least 0.

    Examples
    --------
    >>> from smelt.metrics import mutual_info_score
    >>> round(mutual_info_score([0, 0, 1, 1], [0, 0, 1, 1]), 3)
    0.693
    """
    if contingency is None:
        return _information(counted(*checked_labels(labels_true, labels_pred)))
    contingency = check_array(
        contingency, accept_sparse=["csr", "csc", "coo"], dtype=[int, np.int32, np.int64]
    )
    matrix = sp.csr_array(contingency)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    counts = matrix.data.astype(np.int64)
    sizes = [np.asarray(matrix.sum(axis=axis)).ravel().astype(np.int64) for axis in (1, 0)]
    return _information(Counts(matrix.indptr, matrix.indices, counts, *sizes))


@validate_params({**TWO, **AVERAGES}, prefer_skip_nested_validation=True)
def normalized_mutual_info_score(
    labels_true: Any, labels_pred: Any, *, average_method: str = "arithmetic"
) -> float:
    """Return the mutual information divided by the mean entropy of the two clusterings.

    Parameters
    ----------
    labels_true : array-like of shape (n_samples,)
        Classes.
    labels_pred : array-like of shape (n_samples,)
        Clusters.
    average_method : {"arithmetic", "geometric", "min", "max"}, default="arithmetic"
        Mean of the entropies.

    Returns
    -------
    float
        Between 0 and 1; random labels do not give 0, see :func:`adjusted_mutual_info_score`.

    Examples
    --------
    >>> from smelt.metrics import normalized_mutual_info_score
    >>> round(normalized_mutual_info_score([0, 0, 1, 2], [0, 0, 1, 1]), 3)
    0.8
    """
    found = counted(*checked_labels(labels_true, labels_pred))
    if _trivial(found):
        return 1.0
    information = _information(found)
    if information == 0:
        return 0.0
    return information / _average(_entropy(found.first), _entropy(found.second), average_method)


@validate_params({**TWO, **AVERAGES}, prefer_skip_nested_validation=True)
def adjusted_mutual_info_score(
    labels_true: Any, labels_pred: Any, *, average_method: str = "arithmetic"
) -> float:
    r"""Return the mutual information beside what chance gives: 0 for random labels, 1 for the same.

    .. math:: \frac{I - E[I]}{\mathrm{mean}(H_1, H_2) - E[I]}

    Parameters
    ----------
    labels_true : array-like of shape (n_samples,)
        Classes.
    labels_pred : array-like of shape (n_samples,)
        Clusters.
    average_method : {"arithmetic", "geometric", "min", "max"}, default="arithmetic"
        Mean of the entropies.

    Returns
    -------
    float
        At most 1; may be below 0.

    Notes
    -----
    Cost: one counting of the rows, and about ``20 * sqrt(a * b / n)`` operations for each pair of
    clusters of a and b rows.

    References
    ----------
    Vinh, Epps and Bailey (2010), "Information theoretic measures for clusterings comparison".

    Examples
    --------
    >>> from smelt.metrics import adjusted_mutual_info_score
    >>> round(adjusted_mutual_info_score([0, 0, 1, 2], [0, 0, 1, 1]), 3)
    0.571
    """
    found = counted(*checked_labels(labels_true, labels_pred))
    if _trivial(found):
        return 1.0
    if len(found.first) == 1 or len(found.second) == 1:
        return 0.0
    expected = kernel("metrics.expected_mutual_information")(found.first, found.second)
    normal = _average(_entropy(found.first), _entropy(found.second), average_method)

    def away_from_zero(difference: float) -> float:
        least = float(np.finfo(np.float64).eps)
        return min(difference, -least) if difference < 0 else max(difference, least)

    return away_from_zero(_information(found) - expected) / away_from_zero(normal - expected)


@validate_params({**TWO, **BETA}, prefer_skip_nested_validation=True)
def homogeneity_completeness_v_measure(
    labels_true: Any, labels_pred: Any, *, beta: float = 1.0
) -> tuple[float, float, float]:
    """Return whether clusters hold one class each, classes one cluster each, and the mean of both.

    Parameters
    ----------
    labels_true : array-like of shape (n_samples,)
        Classes.
    labels_pred : array-like of shape (n_samples,)
        Clusters.
    beta : float, default=1.0
        Above 1 completeness counts more in the mean, below 1 homogeneity.

    Returns
    -------
    homogeneity : float
        Mutual information divided by the entropy of the classes.
    completeness : float
        Mutual information divided by the entropy of the clusters.
    v_measure : float
        Their weighted harmonic mean.

    References
    ----------
    Rosenberg and Hirschberg (2007), "V-measure: a conditional entropy-based external cluster
    evaluation measure".

    Examples
    --------
    >>> from smelt.metrics import homogeneity_completeness_v_measure
    >>> [round(x, 3) for x in homogeneity_completeness_v_measure([0, 0, 1, 2], [0, 0, 1, 1])]
    [0.667, 1.0, 0.8]
    """
    found = counted(*checked_labels(labels_true, labels_pred))
    if len(found.counts) == 0:
        return 1.0, 1.0, 1.0
    information = _information(found)
    classes, clusters = _entropy(found.first), _entropy(found.second)
    homogeneity = information / classes if classes else 1.0
    completeness = information / clusters if clusters else 1.0
    if homogeneity + completeness == 0:
        return homogeneity, completeness, 0.0
    mean = (1 + beta) * homogeneity * completeness / (beta * homogeneity + completeness)
    return homogeneity, completeness, mean


@validate_params(TWO, prefer_skip_nested_validation=True)
def homogeneity_score(labels_true: Any, labels_pred: Any) -> float:
    """Return whether each cluster holds rows of one class alone.

    Parameters
    ----------
    labels_true : array-like of shape (n_samples,)
        Classes.
    labels_pred : array-like of shape (n_samples,)
        Clusters.

    Returns
    -------
    float
        Between 0 and 1.

    Examples
    --------
    >>> from smelt.metrics import homogeneity_score
    >>> homogeneity_score([0, 0, 1, 1], [0, 0, 1, 2])
    1.0
    """
    return homogeneity_completeness_v_measure(labels_true, labels_pred)[0]  # type: ignore[no-any-return]


@validate_params(TWO, prefer_skip_nested_validation=True)
def completeness_score(labels_true: Any, labels_pred: Any) -> float:
    """Return whether the rows of each class lie in one cluster.

    Parameters
    ----------
    labels_true : array-like of shape (n_samples,)
        Classes.
    labels_pred : array-like of shape (n_samples,)
        Clusters.

    Returns
    -------
    float
        Between 0 and 1.

    Examples
    --------
    >>> from smelt.metrics import completeness_score
    >>> completeness_score([0, 0, 1, 2], [0, 0, 1, 1])
    1.0
    """
    return homogeneity_completeness_v_measure(labels_true, labels_pred)[1]  # type: ignore[no-any-return]


@validate_params({**TWO, **BETA}, prefer_skip_nested_validation=True)
def v_measure_score(labels_true: Any, labels_pred: Any, *, beta: float = 1.0) -> float:
    """Return the harmonic mean of homogeneity and completeness.

    Parameters
    ----------
    labels_true : array-like of shape (n_samples,)
        Classes.
    labels_pred : array-like of shape (n_samples,)
        Clusters.
    beta : float, default=1.0
        Above 1 completeness counts more, below 1 homogeneity.

    Returns
    -------
    float
        Between 0 and 1.

    Examples
    --------
    >>> from smelt.metrics import v_measure_score
    >>> round(v_measure_score([0, 0, 1, 2], [0, 0, 1, 1]), 3)
    0.8
    """
    return homogeneity_completeness_v_measure(labels_true, labels_pred, beta=beta)[2]  # type: ignore[no-any-return]
