"""Trustworthiness of an embedding."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.metrics.pairwise import _VALID_METRICS, pairwise_distances_chunked
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.validation import _num_samples, check_consistent_length

from smelt._kernel import kernel
from smelt.neighbors import NearestNeighbors
from smelt.neighbors._index import as_doubles


@validate_params(
    {
        "X": ["array-like", "sparse matrix"],
        "X_embedded": ["array-like", "sparse matrix"],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions(set(_VALID_METRICS) | {"precomputed"}), callable],
    },
    prefer_skip_nested_validation=True,
)
def trustworthiness(
    X: Any, X_embedded: Any, *, n_neighbors: int = 5, metric: Any = "euclidean"
) -> float:
    r"""Return how far the neighbours in an embedding are neighbours in the data.

    .. math:: T = 1 - \frac{2}{n k (2n - 3k - 1)} \sum_i \sum_{j \in N_i} \max(0, r_{ij} - k)

    with :math:`N_i` the k = ``n_neighbors`` nearest rows of row i in the embedding, and
    :math:`r_{ij}` the rank of row j among the rows by their distance to row i in the data.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows, or their distances where ``metric`` is "precomputed".
    X_embedded : {array-like, sparse matrix} of shape (n_samples, n_components)
        Their embedding.
    n_neighbors : int >= 1, default=5
        Neighbours looked at, fewer than half of the rows.
    metric : str or callable, default="euclidean"
        Distance in the data; "euclidean" on dense X is the kernel's, all others are
        scikit-learn's, a few rows at a time.

    Returns
    -------
    float
        Trustworthiness in [0, 1].

    Raises
    ------
    ValueError
        Where ``n_neighbors`` is not less than half of the rows.

    Notes
    -----
    Cost: ``n**2`` distances; memory: a copy of X and a few rows of distances.  Deviation from
    scikit-learn: of equal distances the first row comes first, where its order is left to chance,
    and X and its embedding must have equally many rows.

    References
    ----------
    Venna and Kaski (2001), Neighborhood preservation in nonlinear projection methods.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.manifold import trustworthiness
    >>> X = np.arange(20.0).reshape(10, 2)
    >>> trustworthiness(X, X[:, :1], n_neighbors=2)
    1.0
    """
    n = _num_samples(X)
    if n_neighbors >= n / 2:
        raise ValueError(f"n_neighbors ({n_neighbors}) should be less than n_samples / 2 ({n / 2})")
    check_consistent_length(X, X_embedded)
    near = NearestNeighbors(n_neighbors=n_neighbors).fit(X_embedded)
    neighbors = np.ascontiguousarray(near.kneighbors(return_distance=False), dtype=np.int64)
    if metric == "euclidean" and not sp.issparse(X):
        X = as_doubles(check_array(X))
        penalty = kernel("manifold.trustworthiness_penalty")(X, neighbors)
    else:
        penalty = _penalty_by_distances(X, neighbors, metric)
    k = n_neighbors
    return float(1.0 - penalty * (2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0))))


def _penalty_by_distances(X: Any, neighbors: Any, metric: Any) -> float:
    """Return the same sum for distances that come as blocks of rows."""
    n, k = neighbors.shape
    if metric == "precomputed":
        X = check_array(X)
        if X.shape != (n, n):
            raise ValueError("X should be a square distance matrix")
        blocks = iter([X])
    else:
        blocks = pairwise_distances_chunked(X, metric=metric)
    columns, i, penalty = np.arange(n), 0, 0
    for block in blocks:
        for distance in block:
            others = columns != i
            for j in neighbors[i]:
                ties = (distance == distance[j]) & (columns < j)
                rank = 1 + np.count_nonzero(((distance < distance[j]) | ties) & others)
                penalty += max(0, rank - k)
            i += 1
    return float(penalty)
