"""AgglomerativeClustering."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from scipy.spatial.distance import pdist, squareform
from sklearn.base import BaseEstimator, ClusterMixin, _fit_context
from sklearn.cluster import _agglomerative
from sklearn.metrics import pairwise_distances
from sklearn.metrics._dist_metrics import METRIC_MAPPING64
from sklearn.metrics.pairwise import _VALID_METRICS, paired_distances
from sklearn.utils import check_array
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, check_memory, validate_data

from smelt._kernel import kernel
from smelt._validate import sparse_arrays
from smelt.association._transactions import free_memory
from smelt.neighbors._index import as_doubles, tree_metric

#: Linkages that look at centres, and those that need the distances of all rows.
_BY_CENTRES, _BY_MATRIX = ("ward", "centroid", "median"), ("complete", "average", "weighted")


class AgglomerativeClustering(ClusterMixin, BaseEstimator):
    r"""Every row is a cluster at first; the two nearest clusters become one, until few are left.

    .. math:: d_\text{ward}(A, B) = \sqrt{\tfrac{2 |A| |B|}{|A| + |B|}}\, \lVert a - b \rVert_2

    with the means a and b: the merge that adds least to the sum of squares.  "complete", "average"
    and "single" take the largest, the mean and the smallest distance of a row of A and a row of B,
    "weighted" the mean of the distances of B to the two parts of A, "centroid" the distance of the
    means and "median" that of middles, each half way between the middles of the two parts.  Merging
    stops at ``n_clusters`` clusters or at ``distance_threshold``.  There is nothing to converge.

    Parameters
    ----------
    n_clusters : int >= 1 or None, default=2
        Clusters to find; None where ``distance_threshold`` is given.
    metric : str or callable, default="euclidean"
        Distance of two rows; "precomputed" where X holds the distances.  "ward", "centroid" and
        "median" take "euclidean" (or "l2") only.
    memory : str or object with the joblib.Memory interface, default=None
        Where to keep the tree, so that another number of clusters needs no second one.
    connectivity : array-like, sparse matrix or callable, default=None
        Which rows are neighbours: only clusters with neighbouring rows merge.  A callable makes it
        from X.  Not for "centroid" and "median".
    compute_full_tree : "auto" or bool, default="auto"
        Whether to go on after ``n_clusters``; matters only with ``connectivity``.
    linkage : {"ward", "complete", "average", "single", "weighted", "centroid", "median"}
        Distance of two clusters, "ward" by default; the last three are additions to
        scikit-learn's.
    distance_threshold : float >= 0, default=None
        Clusters that far apart or farther do not merge.
    compute_distances : bool, default=False
        Whether to keep the heights of the merges without a threshold, too.

    Attributes
    ----------
    n_clusters_ : int
        Clusters found.
    labels_ : ndarray of shape (n_samples,)
        Cluster of each row.
    n_leaves_ : int
        Rows.
    n_connected_components_ : int
        Components of the graph of neighbours.
    children_ : ndarray of shape (n_samples - 1, 2)
        The two nodes of each merge: rows are nodes 0 to n - 1, merge i makes node n + i.
    distances_ : ndarray of shape (n_samples - 1,)
        Height of each merge; only where asked for.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where X holds NaN or infinity, parameters do not go together, or the distances of all rows
        would not fit into memory.

    See Also
    --------
    DBSCAN : Clusters of any shape, and noise.

    Notes
    -----
    "ward" keeps centres in a tree and merges, round by round, all clusters that are each other's
    nearest: memory grows with ``n_samples * n_features``.  "complete", "average" and "weighted"
    hold ``8 * n_samples**2`` bytes; what would not fit is refused before.  "single" is a minimum
    spanning tree, "centroid" and "median" a search for the nearest pair, all without a matrix.
    Heights equal SciPy's to rounding.  Where distances tie, more than one tree is right, and
    this one may differ from scikit-learn's.  "single" with ``connectivity``, and metrics that smelt
    lacks, go through scikit-learn and SciPy.  The means of "centroid" and "median" may come nearer
    to others than their parts were: heights may fall.

    References
    ----------
    Müllner (2011), Modern hierarchical, agglomerative clustering algorithms.  Murtagh and Contreras
    (2012), Algorithms for hierarchical clustering: an overview.

    Examples
    --------
    >>> from smelt.cluster import AgglomerativeClustering
    >>> X = [[1, 2], [1, 4], [1, 0], [4, 2], [4, 4], [4, 0]]
    >>> AgglomerativeClustering().fit(X).labels_
    array([1, 1, 1, 0, 0, 0])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left"), None],
        "metric": [StrOptions(set(_VALID_METRICS) | {"precomputed"}), callable],
        "memory": [str, HasMethods("cache"), None],
        "connectivity": ["array-like", "sparse matrix", callable, None],
        "compute_full_tree": [StrOptions({"auto"}), "boolean"],
        "linkage": [StrOptions({*_BY_CENTRES, *_BY_MATRIX, "single"})],
        "distance_threshold": [Interval(Real, 0, None, closed="left"), None],
        "compute_distances": ["boolean"],
    }

    def __init__(
        self,
        n_clusters: int | None = 2,
        *,
        metric: Any = "euclidean",
        memory: Any = None,
        connectivity: Any = None,
        compute_full_tree: Any = "auto",
        linkage: str = "ward",
        distance_threshold: float | None = None,
        compute_distances: bool = False,
    ) -> None:
        self.n_clusters = n_clusters
        self.distance_threshold = distance_threshold
        self.memory = memory
        self.connectivity = connectivity
        self.compute_full_tree = compute_full_tree
        self.linkage = linkage
        self.metric = metric
        self.compute_distances = compute_distances

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None) -> AgglomerativeClustering:
        """Cluster the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, n_samples)
            Rows; or their distances where ``metric`` is "precomputed".
        y : None
            Ignored.

        Returns
        -------
        self : AgglomerativeClustering
            The fitted estimator.
        """
        X = validate_data(self, X, ensure_min_samples=2)
        self._check()
        connectivity = self.connectivity
        if connectivity is not None:
            if callable(connectivity):
                connectivity = connectivity(X)
            connectivity = check_array(connectivity, accept_sparse=["csr", "coo", "lil"])
        is_full = self.compute_full_tree
        if connectivity is None:
            is_full = True
        elif is_full == "auto":
            few = self.n_clusters is None or self.n_clusters < max(100, 0.02 * len(X))
            is_full = self.distance_threshold is not None or few
        grow = check_memory(self.memory).cache(grow_tree)
        children, distances, n_components = grow(
            X,
            linkage=self.linkage,
            metric=self.metric,
            connectivity=connectivity,
            n_clusters=1 if is_full else self.n_clusters,
        )
        self.children_, self.n_connected_components_ = children, n_components
        self.n_leaves_ = len(X)
        if self.distance_threshold is not None or self.compute_distances:
            self.distances_ = distances
        self.n_clusters_: Any = self.n_clusters
        if self.distance_threshold is not None:
            self.n_clusters_ = int(np.count_nonzero(distances >= self.distance_threshold)) + 1
        if is_full:
            self.labels_ = kernel("cluster.agglomerative_clustering_cut")(
                np.ascontiguousarray(children, dtype=np.int64).ravel(), int(self.n_clusters_)
            )
        else:
            self.labels_ = heads(children[: len(X) - self.n_clusters_], len(X))
        return self

    def linkage_matrix(self) -> np.ndarray:
        """Return the tree as SciPy's dendrogram and other functions take it.

        Returns
        -------
        ndarray of shape (n_samples - 1, 4)
            The two nodes of each merge, the smaller one first, its height, and the rows below it.
        """
        check_is_fitted(self, "children_")
        if not hasattr(self, "distances_") or len(self.children_) != self.n_leaves_ - 1:
            raise ValueError(
                "a linkage matrix needs heights and the full tree: fit with compute_distances=True "
                "and compute_full_tree=True"
            )
        counts = [1] * self.n_leaves_
        for left, right in self.children_.tolist():
            counts.append(counts[left] + counts[right])
        below = np.array(counts[self.n_leaves_ :], dtype=float)
        return np.column_stack([np.sort(self.children_, axis=1), self.distances_, below])

    def _check(self) -> None:
        if not ((self.n_clusters is None) ^ (self.distance_threshold is None)):
            raise ValueError(
                "Exactly one of n_clusters and distance_threshold has to be set, and the other "
                "needs to be None."
            )
        if self.distance_threshold is not None and not self.compute_full_tree:
            raise ValueError("compute_full_tree must be True if distance_threshold is set.")
        if self.linkage in _BY_CENTRES and self.metric not in ("euclidean", "l2"):
            raise ValueError(
                f"{self.metric} was provided as metric. {self.linkage.capitalize()} can only work "
                "with euclidean distances (i.e. 'euclidean' and 'l2')."
            )
        if self.connectivity is not None and self.linkage in ("centroid", "median"):
            raise ValueError(
                f"linkage {self.linkage!r} takes no connectivity; 'ward', 'complete', 'average', "
                "'weighted' and 'single' do"
            )


def grow_tree(X: Any, *, linkage: str, metric: Any, connectivity: Any, n_clusters: int) -> Any:
    """Return the children and heights of the merges, and the number of components."""
    if metric == "cosine" and np.any(~np.any(X, axis=1)):
        raise ValueError("Cosine affinity cannot be used when X contains zero vectors")
    if connectivity is not None:
        return grow_on_graph(X, linkage, metric, connectivity, n_clusters)
    n = len(X)
    own = None if callable(metric) or metric == "precomputed" else tree_metric(metric, {})
    # scikit-learn sorts the sides of merges but where it looks for a spanning tree by itself.
    ascending = callable(metric) or metric not in METRIC_MAPPING64
    bytes_needed = 8 * n * n * ((linkage in _BY_MATRIX) + (own is None and metric != "precomputed"))
    if bytes_needed and bytes_needed > (room := free_memory()):
        raise ValueError(
            f"the distances of {n} rows need {bytes_needed / 1e9:.1f} GB, {room / 1e9:.1f} GB are "
            "free; cluster fewer rows, or take linkage 'ward' or 'single'"
        )
    if callable(metric):
        X = metric(X)
    elif own is None and metric != "precomputed":
        if linkage == "single" and metric in METRIC_MAPPING64:
            X = pairwise_distances(X, metric=metric)
        else:
            X = squareform(pdist(X, metric))
    tree = kernel("cluster.agglomerative_clustering_fit")(
        as_doubles(X),
        linkage=linkage,
        metric=own[0] if own else None,
        p=own[1] if own else 2.0,
        ascending=ascending,
    )
    return tree["children"], tree["distances"], 1


def grow_on_graph(X: Any, linkage: str, metric: Any, connectivity: Any, n_clusters: int) -> Any:
    """Return the same where only neighbours merge."""
    n = len(X)
    if n_clusters > n:
        raise ValueError(
            "Cannot provide more clusters than samples. "
            f"{n_clusters} n_clusters was asked, and there are {n} samples."
        )
    if linkage == "single":
        children, n_components, _, _, distances = _agglomerative.linkage_tree(
            X, connectivity, n_clusters, "single", metric, return_distance=True
        )
        return children, distances, n_components
    affinity = "euclidean" if linkage == "ward" else metric
    graph, n_components = _agglomerative._fix_connectivity(X, connectivity, affinity)
    graph = graph.tocoo()
    apart = graph.row != graph.col
    rows, columns = graph.row[apart], graph.col[apart]
    if linkage == "ward":
        distances = np.zeros(len(rows))
    elif metric == "precomputed":
        distances = X[rows, columns]
    else:
        distances = paired_distances(X[rows], X[columns], metric=metric)
    graph = type(graph)((as_doubles(distances), (rows, columns)), shape=(n, n)).tocsr()
    graph.sort_indices()
    tree = kernel("cluster.agglomerative_clustering_fit_graph")(
        as_doubles(X), sparse_arrays(graph), linkage=linkage, n_merges=int(n - n_clusters)
    )
    return tree["children"], tree["distances"], n_components


def heads(children: np.ndarray, n: int) -> np.ndarray:
    """Return the number of the highest node above each row, counted from zero."""
    above = np.arange(n + len(children))
    above[children] = np.arange(n, n + len(children))[:, None]
    while not np.array_equal(higher := above[above], above):
        above = higher
    return np.unique(above[:n], return_inverse=True)[1]
