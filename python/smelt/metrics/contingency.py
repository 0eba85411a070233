"""Measures of how far two clusterings agree, by counting pairs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from smelt._kernel import kernel
from smelt._validate import classes_and_codes

TWO = {"labels_true": ["array-like"], "labels_pred": ["array-like"]}


@dataclass(frozen=True)
class Counts:
    """How often each class and cluster meet: compressed rows, and the sizes of both."""

    indptr: np.ndarray
    indices: np.ndarray
    counts: np.ndarray
    first: np.ndarray
    second: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """Class of each entry."""
        return np.repeat(np.arange(len(self.first)), np.diff(self.indptr))


def checked_labels(labels_true: Any, labels_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return both clusterings as vectors of one length; warns of numbers that are no labels."""
    options = {"ensure_2d": False, "ensure_min_samples": 0, "dtype": None}
    labels_true = check_array(labels_true, **options)
    labels_pred = check_array(labels_pred, **options)
    # Whole numbers and texts are labels: only others are looked at one by one.
    if "f" in (labels_true.dtype.kind, labels_pred.dtype.kind):
        kinds = type_of_target(labels_true), type_of_target(labels_pred)
        if "continuous" in kinds:
            warnings.warn(
                "Clustering metrics expects discrete values but received"
                f" {kinds[0]} values for label, and {kinds[1]} values for target",
                UserWarning,
                stacklevel=3,
            )
    for name, labels in (("labels_true", labels_true), ("labels_pred", labels_pred)):
        if labels.ndim != 1:
            raise ValueError(f"{name} must be 1D: shape is {labels.shape}")
    check_consistent_length(labels_true, labels_pred)
    return labels_true, labels_pred


def counted(labels_true: Any, labels_pred: Any) -> Counts:
    """Count how often classes and clusters meet."""
    both = []
    for labels in (labels_true, labels_pred):
        labels = np.ravel(np.asarray(labels))
        both.append(classes_and_codes(labels) if len(labels) else (labels, np.empty(0, np.int32)))
    (classes, first), (clusters, second) = both
    if len(first) != len(second):
        raise ValueError("row, column, and data arrays must have the same length")
    found = kernel("metrics.contingency_counts")(first, second, len(classes), len(clusters))
    indptr, indices, counts = found["indptr"], found["indices"], found["counts"]
    total = np.r_[0, np.cumsum(counts)]
    sizes = np.bincount(indices, weights=counts, minlength=len(clusters)).astype(np.int64)
    return Counts(indptr, indices, counts, np.diff(total[indptr]), sizes)


@validate_params(
    {
        "labels_true": ["array-like", None],
        "labels_pred": ["array-like", None],
        "eps": [Interval(Real, 0, None, closed="left"), None],
        "sparse": ["boolean"],
        "dtype": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def contingency_matrix(
    labels_true: Any,
    labels_pred: Any,
    *,
    eps: Any = None,
    sparse: bool = False,
    dtype: Any = np.int64,
) -> Any:
    """Return how often each class (row) and cluster (column) meet.

    Parameters
    ----------
    labels_true : array-like of shape (n_samples,)
        Classes.
    labels_pred : array-like of shape (n_samples,)
        Clusters.
    eps : float, default=None
        Added to all counts, which makes them floats.
    sparse : bool, default=False
        Whether to return a sparse matrix of compressed rows.
    dtype : dtype, default=np.int64
        Type of the counts.

    Returns
    -------
    {ndarray, sparse matrix} of shape (n_classes, n_clusters)
        Counts.

    Examples
    --------
    >>> from smelt.metrics.cluster import contingency_matrix
    >>> contingency_matrix([0, 0, 1, 1, 2, 2], [1, 0, 2, 1, 0, 2])
    array([[1, 1, 0],
           [0, 1, 1],
           [1, 0, 1]])
    """
    if eps is not None and sparse:
        raise ValueError("Cannot set 'eps' when sparse=True")
    found = counted(labels_true, labels_pred)
    shape = (len(found.first), len(found.second))
    if sparse:
        from sklearn.utils import _align_api_if_sparse

        entries = (found.counts.astype(dtype), found.indices, found.indptr)
        matrix = _align_api_if_sparse(sp.csr_array(entries, shape=shape))
        matrix.has_canonical_format = True
        return matrix
    out = np.zeros(shape, dtype=dtype)
    out[found.rows, found.indices] = found.counts
    return out if eps is None else out + eps


@validate_params(TWO, prefer_skip_nested_validation=True)
def pair_confusion_matrix(labels_true: Any, labels_pred: Any) -> np.ndarray:
    """Return how many ordered pairs of rows are together or apart in both clusterings.

    Parameters
    ----------
    labels_true : array-like of shape (n_samples,)
        Classes.
    labels_pred : array-like of shape (n_samples,)
        Clusters.

    Returns
    -------
    ndarray of shape (2, 2)
        Pairs apart in both, together in the second alone; in the first alone, in both.

    Examples
    --------
    >>> from smelt.metrics.cluster import pair_confusion_matrix
    >>> pair_confusion_matrix([0, 0, 1, 2], [0, 0, 1, 1])
    array([[8, 2],
           [0, 2]])
    """
    return _pairs(counted(*checked_labels(labels_true, labels_pred)))


def _pairs(found: Counts) -> np.ndarray:
    n = found.first.sum()
    both = (found.counts**2).sum()
    second, first = (found.second**2).sum() - both, (found.first**2).sum() - both
    return np.array([[n**2 - second - first - both, second], [first, both - n]], dtype=np.int64)


@validate_params(TWO, prefer_skip_nested_validation=True)
def rand_score(labels_true: Any, labels_pred: Any) -> float:
    """Return the share of pairs of rows on which two clusterings agree: together or apart.

    Parameters
    ----------
    labels_true : array-like of shape (n_samples,)
        Classes.
    labels_pred : array-like of shape (n_samples,)
        Clusters.

    Returns
    -------
    float
        Share, 1 for the same clustering.

    References
    ----------
    Rand (1971), "Objective criteria for the evaluation of clustering methods".

    Examples
    --------
    >>> from smelt.metrics import rand_score
    >>> round(rand_score([0, 0, 1, 2], [0, 0, 1, 1]), 3)
    0.833
    """
    pairs = _pairs(counted(*checked_labels(labels_true, labels_pred)))
    agree, total = pairs.diagonal().sum(), pairs.sum()
    return 1.0 if agree == total or total == 0 else float(agree / total)


@validate_params(TWO, prefer_skip_nested_validation=True)
def adjusted_rand_score(labels_true: Any, labels_pred: Any) -> float:
    r"""Return the Rand index beside what chance gives: 0 for random labels, 1 for the same.

    .. math:: \frac{R - E[R]}{\max R - E[R]}

    Parameters
    ----------
    labels_true : array-like of shape (n_samples,)
        Classes.
    labels_pred : array-like of shape (n_samples,)
        Clusters.

    Returns
    -------
    float
        Between -0.5 and 1.

    References
    ----------
    Hubert and Arabie (1985), "Comparing partitions".

    Examples
    --------
    >>> from smelt.metrics import adjusted_rand_score
    >>> round(adjusted_rand_score([0, 0, 1, 2], [0, 0, 1, 1]), 3)
    0.571
    """
    pairs = _pairs(counted(*checked_labels(labels_true, labels_pred)))
    (apart, second), (first, both) = pairs.tolist()  # Python's integers do not overflow
    if first == 0 and second == 0:
        return 1.0
    chance = (both + first) * (first + apart) + (both + second) * (second + apart)
    return 2.0 * (both * apart - first * second) / chance  # type: ignore[no-any-return]


@validate_params(TWO, prefer_skip_nested_validation=True)
def fowlkes_mallows_score(labels_true: Any, labels_pred: Any) -> float:
    r"""Return the geometric mean of precision and recall over pairs of rows that are together.

    .. math:: \frac{TP}{\sqrt{(TP + FP) (TP + FN)}}

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

    References
    ----------
    Fowlkes and Mallows (1983), "A method for comparing two hierarchical clusterings".

    Examples
    --------
    >>> from smelt.metrics import fowlkes_mallows_score
    >>> round(fowlkes_mallows_score([0, 0, 1, 2], [0, 0, 1, 1]), 3)
    0.707
    """
    (_, second), (first, both) = _pairs(counted(*checked_labels(labels_true, labels_pred)))
    if both == 0:
        return 0.0
    return float(np.sqrt(both / (both + second)) * np.sqrt(both / (both + first)))
