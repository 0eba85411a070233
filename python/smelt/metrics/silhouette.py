"""Silhouette coefficient."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
import sklearn.metrics
from sklearn.utils import check_random_state, check_X_y
from sklearn.utils._param_validation import Interval, validate_params

from smelt._kernel import kernel
from smelt._validate import canonical


def silhouette_samples(X: Any, labels: Any, *, metric: Any = "euclidean", **kwds: Any) -> Any:
    r"""Return the silhouette of each row: how much nearer its own cluster is than the next.

    .. math:: s_i = \frac{b_i - a_i}{\max(a_i, b_i)}

    with a the mean distance to the other rows of its cluster and b the least mean distance to the
    rows of another; 0 for the only row of a cluster.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows, or their distances where ``metric`` is "precomputed".
    labels : array-like of shape (n_samples,)
        Clusters.
    metric : str or callable, default="euclidean"
        Distance; all but "euclidean" on dense X are scikit-learn's work.
    **kwds : dict
        Parameters of the metric.

    Returns
    -------
    ndarray of shape (n_samples,)
        Silhouettes in [-1, 1].

    Raises
    ------
    ValueError
        Where there are not 2 to ``n_samples - 1`` clusters.

    Notes
    -----
    Cost: ``n**2`` distances; memory: a copy of X.  float32 rows are compared in float32.

    References
    ----------
    Rousseeuw (1987), "Silhouettes".

    Examples
    --------
    >>> from smelt.metrics import silhouette_samples
    >>> silhouette_samples([[0.0], [1.0], [10.0], [11.0]], [0, 0, 1, 1]).round(3)
    array([0.905, 0.895, 0.895, 0.905])
    """
    if metric != "euclidean" or kwds or sp.issparse(X):
        return sklearn.metrics.silhouette_samples(X, labels, metric=metric, **kwds)
    X, labels = check_X_y(X, labels, dtype=[np.float64, np.float32])
    classes, codes = np.unique(labels, return_inverse=True)
    if not 1 < len(classes) < len(X):
        raise ValueError(
            f"Number of labels is {len(classes)}. Valid values are 2 to n_samples - 1 (inclusive)"
        )
    found = kernel("metrics.silhouette_samples")(canonical(X), codes.astype(np.int64), len(classes))
    return found.astype(X.dtype, copy=False)


@validate_params(
    {
        "X": ["array-like", "sparse matrix"],
        "labels": ["array-like"],
        "metric": [str, callable],
        "sample_size": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def silhouette_score(
    X: Any,
    labels: Any,
    *,
    metric: Any = "euclidean",
    sample_size: int | None = None,
    random_state: Any = None,
    **kwds: Any,
) -> float:
    """Return the mean silhouette of all rows, or of a sample of them.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows, or their distances where ``metric`` is "precomputed".
    labels : array-like of shape (n_samples,)
        Clusters.
    metric : str or callable, default="euclidean"
        Distance; all but "euclidean" on dense X are scikit-learn's work.
    sample_size : int or None, default=None
        Rows drawn; None means all.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.
    **kwds : dict
        Parameters of the metric.

    Returns
    -------
    float
        Mean silhouette in [-1, 1].

    See Also
    --------
    silhouette_samples : The silhouette of each row.

    Examples
    --------
    >>> from smelt.metrics import silhouette_score
    >>> round(silhouette_score([[0.0], [1.0], [10.0], [11.0]], [0, 0, 1, 1]), 3)
    0.9
    """
    if metric != "euclidean" or kwds or sp.issparse(X):
        return float(
            sklearn.metrics.silhouette_score(
                X,
                labels,
                metric=metric,
                sample_size=sample_size,
                random_state=random_state,
                **kwds,
            )
        )
    if sample_size is not None:
        X, labels = check_X_y(X, labels, dtype=[np.float64, np.float32])
        chosen = check_random_state(random_state).permutation(len(X))[:sample_size]
        X, labels = X[chosen], labels[chosen]
    return float(np.mean(silhouette_samples(X, labels)))
