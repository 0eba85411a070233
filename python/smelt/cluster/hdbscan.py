"""HDBSCAN."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClusterMixin, _fit_context
from sklearn.cluster._hdbscan._tree import HIERARCHY_dtype, labelling_at_cut
from sklearn.cluster._hdbscan.hdbscan import FAST_METRICS, _hdbscan_brute, _hdbscan_prims
from sklearn.metrics import pairwise_distances_chunked
from sklearn.metrics.pairwise import _VALID_METRICS
from sklearn.neighbors import BallTree, KDTree
from sklearn.utils._param_validation import Hidden, Interval, StrOptions
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from smelt._kernel import kernel
from smelt.association._transactions import free_memory
from smelt.cluster._membership import exemplars, membership_vectors
from smelt.neighbors._index import as_doubles, tree_metric

#: Rows whose numbers are summed up at once.
_BLOCK = 4096


class HDBSCAN(ClusterMixin, BaseEstimator):
    r"""Clusters that last while the density asked for rises; rows that belong to none are noise.

    .. math:: r(i, j) = \max\bigl(c(i),\; c(j),\; d(x_i, x_j) / \alpha\bigr)

    with the distance c(i) from row i to its ``min_samples``-th nearest row, itself included.  Rows
    joined in the order of r make a tree of clusters; a branch of fewer than ``min_cluster_size``
    rows is no cluster but rows that leave one.  A cluster C is as stable as its rows stay,
    :math:`\sum_{i \in C} (\lambda_i - \lambda_C)` with :math:`\lambda = 1 / r`, and of all clusters
    that do not contain each other those are taken whose stability adds up to most.  There is
    nothing to converge: the answer is exact.

    Parameters
    ----------
    min_cluster_size : int >= 2, default=5
        Fewest rows of a cluster.
    min_samples : int >= 1, default=None
        Rows that make a place dense, the row itself included; None means ``min_cluster_size``.
    cluster_selection_epsilon : float >= 0, default=0.0
        Clusters that split at a smaller distance than this stay together.
    max_cluster_size : int >= 1, default=None
        Most rows of a cluster that "eom" takes.
    metric : str or callable, default="euclidean"
        Distance, "precomputed" where X holds the distances.  smelt's own search knows "euclidean",
        "l2", "manhattan", "cityblock", "l1", "chebyshev", "infinity", "minkowski" and "p"; with
        any other the tree comes from scikit-learn.
    metric_params : dict, default=None
        Keywords of the metric.
    alpha : float > 0, default=1.0
        Divisor of distances.
    algorithm : {"auto", "brute", "kd_tree", "ball_tree"}, default="auto"
        "ball_tree" searches by boxes and balls, anything else by boxes; the tree is the same.
    leaf_size : int >= 1, default=40
        Most rows in a leaf of the search tree.
    n_jobs : int, default=None
        Threads; None means all that smelt may use.
    cluster_selection_method : {"eom", "leaf"}, default="eom"
        Most stable clusters, or those that split no more.
    allow_single_cluster : bool, default=False
        Whether all rows may be one cluster.
    store_centers : {None, "centroid", "medoid", "both"}, default=None
        Centres to keep.
    copy : bool, default="warn"
        Whether sparse distances that are given must stay as they are; dense ones always do.
        "warn", scikit-learn's default until 1.10, is False, and nobody is warned.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        Cluster of each row; -1 noise, -2 a row with infinity, -3 a row with NaN.
    probabilities_ : ndarray of shape (n_samples,)
        How firmly each row belongs to its cluster; 0 for noise and infinity, NaN for NaN.
    single_linkage_tree_ : ndarray of shape (n_samples - 1, 4)
        The tree as SciPy has it: two nodes, distance, rows below; of the rows without NaN and
        infinity, to which nodes 0 to n - 1 are given in turn.
    condensed_tree_ : dict of ndarray
        What leaves what: "parent" (a cluster: n is all rows, then n + 1, ...), "child" (a row, or a
        cluster), "lambda" (one over the distance at which it leaves) and "size" (its rows); what
        icicle plots are drawn from.
    selected_clusters_ : ndarray of shape (n_clusters,)
        Node of each cluster in that tree.
    cluster_persistence_ : ndarray of shape (n_clusters,)
        Stability of each cluster.
    centroids_ : ndarray of shape (n_clusters, n_features)
        Means of the rows, weighted by their probabilities; where asked for.
    medoids_ : ndarray of shape (n_clusters, n_features)
        The row of each cluster with the smallest weighted sum of distances; where asked for.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where parameters do not go together, there are fewer rows than ``min_samples``, or the
        distances of all rows would not fit into memory.

    See Also
    --------
    DBSCAN : One density for all clusters.

    Notes
    -----
    The spanning tree of r grows by rounds, in which every component looks for its shortest edge by
    a packed tree: short searches, and memory a few times that of X.  Many r are equal: more than
    one tree is right, rows at the edge of clusters may differ from scikit-learn's, and clusters may
    be numbered in another order.  "brute" matters for metrics only that no tree knows: all
    distances are held then.

    References
    ----------
    Campello, Moulavi and Sander (2013), Density-based clustering based on hierarchical density
    estimates.  McInnes and Healy (2017), Accelerated hierarchical density based clustering.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.cluster import HDBSCAN
    >>> X = np.concatenate([np.arange(10), 100 + np.arange(10) / 2, [50]])[:, None]
    >>> HDBSCAN().fit(X).labels_
    array([ 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  1,  1,  1,  1,  1,  1,  1,
            1,  1,  1, -1])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "min_cluster_size": [Interval(Integral, left=2, right=None, closed="left")],
        "min_samples": [Interval(Integral, left=1, right=None, closed="left"), None],
        "cluster_selection_epsilon": [Interval(Real, left=0, right=None, closed="left")],
        "max_cluster_size": [None, Interval(Integral, left=1, right=None, closed="left")],
        "metric": [StrOptions(FAST_METRICS | set(_VALID_METRICS) | {"precomputed"}), callable],
        "metric_params": [dict, None],
        "alpha": [Interval(Real, left=0, right=None, closed="neither")],
        "algorithm": [StrOptions({"auto", "brute", "kd_tree", "ball_tree"})],
        "leaf_size": [Interval(Integral, left=1, right=None, closed="left")],
        "n_jobs": [Integral, None],
        "cluster_selection_method": [StrOptions({"eom", "leaf"})],
        "allow_single_cluster": ["boolean"],
        "store_centers": [None, StrOptions({"centroid", "medoid", "both"})],
        "copy": ["boolean", Hidden(StrOptions({"warn"}))],
    }

    def __init__(
        self,
        min_cluster_size: int = 5,
        min_samples: int | None = None,
        cluster_selection_epsilon: float = 0.0,
        max_cluster_size: int | None = None,
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        alpha: float = 1.0,
        algorithm: str = "auto",
        leaf_size: int = 40,
        n_jobs: int | None = None,
        cluster_selection_method: str = "eom",
        allow_single_cluster: bool = False,
        store_centers: str | None = None,
        copy: Any = "warn",
    ) -> None:
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples
        self.alpha = alpha
        self.max_cluster_size = max_cluster_size
        self.cluster_selection_epsilon = cluster_selection_epsilon
        self.metric = metric
        self.metric_params = metric_params
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.n_jobs = n_jobs
        self.cluster_selection_method = cluster_selection_method
        self.allow_single_cluster = allow_single_cluster
        self.store_centers = store_centers
        self.copy = copy

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None) -> HDBSCAN:
        """Cluster the rows of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or \
                ndarray of shape (n_samples, n_samples)
            Rows; or their distances where ``metric`` is "precomputed".
        y : None
            Ignored.

        Returns
        -------
        self : HDBSCAN
            The fitted estimator.
        """
        is_given = isinstance(self.metric, str) and self.metric == "precomputed"
        if is_given and self.store_centers is not None:
            raise ValueError("Cannot store centers when using a precomputed distance matrix.")
        is_sparse_graph = is_given and sp.issparse(X)
        X = validate_data(
            self,
            X,
            accept_sparse=["csr", "lil"],
            ensure_all_finite=is_sparse_graph,
            dtype=np.float64,
        )
        if is_given and not is_sparse_graph and np.isnan(X).any():
            raise ValueError("np.nan values found in precomputed-dense")
        # 1. Rows with NaN or infinity stay apart.
        sums = np.zeros(X.shape[0]) if is_given else row_sums(X)
        is_finite = np.isfinite(sums)
        if not is_finite.all() and np.isfinite(X.data if sp.issparse(X) else X).all():
            is_finite[:] = True  # numbers so large that their sum is none
        rows = X if is_finite.all() else X[np.flatnonzero(is_finite)]
        # 2. The tree.
        children, distances = self._grow(rows)
        # 3. Clusters.
        condensed = kernel("cluster.hdbscan_condense")(
            np.ascontiguousarray(children, dtype=np.int64).ravel(),
            as_doubles(distances),
            int(self.min_cluster_size),
        )
        most = self.max_cluster_size
        found = kernel("cluster.hdbscan_select")(
            condensed["parent"],
            condensed["child"],
            condensed["lambda"],
            condensed["size"],
            method=self.cluster_selection_method,
            allow_single_cluster=bool(self.allow_single_cluster),
            epsilon=float(self.cluster_selection_epsilon),
            max_cluster_size=None if most is None else int(most),
        )
        self.single_linkage_tree_ = np.column_stack([children, distances, counts(children)])
        self.condensed_tree_ = condensed
        self.selected_clusters_ = found["clusters"]
        self.cluster_persistence_ = found["stabilities"]
        self.labels_, self.probabilities_ = found["labels"], found["probabilities"]
        if not is_finite.all():
            self.labels_ = np.where(np.isnan(sums), -3, -2)
            self.probabilities_ = np.where(np.isnan(sums), np.nan, 0.0)
            self.labels_[is_finite] = found["labels"]
            self.probabilities_[is_finite] = found["probabilities"]
        if self.store_centers:
            self._store_centers(rows, found["labels"], found["probabilities"])
        return self

    def _grow(self, X: Any) -> tuple[Any, Any]:
        """Return the children and distances of the merges."""
        n = X.shape[0]
        if n == 1:
            raise ValueError("n_samples=1 while HDBSCAN requires more than one sample")
        least = self.min_cluster_size if self.min_samples is None else self.min_samples
        if least > n:
            raise ValueError(
                f"min_samples ({least}) must be at most the number of samples in X ({n})"
            )
        for name, of_tree in (("kd_tree", KDTree), ("ball_tree", BallTree)):
            if self.algorithm == name and self.metric not in of_tree.valid_metrics:
                raise ValueError(
                    f"{self.metric} is not a valid metric for a "
                    f"{of_tree.__name__}-based algorithm. Please select a different metric."
                )
        is_given = isinstance(self.metric, str) and self.metric == "precomputed"
        if sp.issparse(X) and not is_given and self.algorithm not in ("auto", "brute"):
            raise ValueError("Sparse data matrices only support algorithm `brute`.")
        params = dict(self.metric_params or {})
        own = None if sp.issparse(X) else tree_metric(self.metric, params)
        if own is not None:
            tree = kernel("cluster.hdbscan_fit", n_jobs=self.n_jobs)(
                as_doubles(X),
                min_samples=int(least),
                alpha=float(self.alpha),
                metric=own[0],
                p=own[1],
                algorithm="ball_tree" if self.algorithm == "ball_tree" else "kd_tree",
                leaf_size=int(self.leaf_size),
            )
            return tree["children"], tree["distances"]
        keywords = {"min_samples": least, "alpha": self.alpha, "metric": self.metric}
        keywords |= {"n_jobs": self.n_jobs, **params}
        by_tree = self.algorithm in ("kd_tree", "ball_tree") or (
            self.algorithm == "auto" and not sp.issparse(X) and self.metric in FAST_METRICS
        )
        if by_tree:
            in_boxes = self.algorithm != "ball_tree" and self.metric in KDTree.valid_metrics
            keywords |= {"leaf_size": self.leaf_size}
            tree = _hdbscan_prims(X, algo="kd_tree" if in_boxes else "ball_tree", **keywords)
        else:
            needed = 8 * n * n
            if not (sp.issparse(X) and is_given) and needed > (room := free_memory()):
                raise ValueError(
                    f"the distances of {n} rows need {needed / 1e9:.1f} GB, {room / 1e9:.1f} GB "
                    "are free; cluster fewer rows, or take a metric that a tree knows"
                )
            keep = is_given and (self.copy is True or not sp.issparse(X))
            tree = _hdbscan_brute(X, copy=keep, **keywords)
        children = np.column_stack([tree["left_node"], tree["right_node"]])
        return children, np.ascontiguousarray(tree["value"])

    def fit_predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit, and return the label of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or \
                ndarray of shape (n_samples, n_samples)
            Rows; or their distances where ``metric`` is "precomputed".
        y : None
            Ignored.

        Returns
        -------
        ndarray of shape (n_samples,)
            ``labels_``.
        """
        return self.fit(X).labels_

    def dbscan_clustering(self, cut_distance: float, min_cluster_size: int = 5) -> np.ndarray:
        """Return what DBSCAN would without border rows: the tree cut at one distance.

        Parameters
        ----------
        cut_distance : float
            Distance, ``eps`` of DBSCAN.
        min_cluster_size : int, default=5
            Fewer rows are noise.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels as in ``labels_``.
        """
        check_is_fitted(self, "single_linkage_tree_")
        tree = np.empty(len(self.single_linkage_tree_), dtype=HIERARCHY_dtype)
        names = ("left_node", "right_node", "value", "cluster_size")
        for name, column in zip(names, self.single_linkage_tree_.T, strict=True):
            tree[name] = column
        labels = self.labels_.copy()
        labels[self.labels_ > -2] = labelling_at_cut(tree, cut_distance, min_cluster_size)
        return labels

    def all_points_membership_vectors(self, X: Any) -> np.ndarray:
        """Return how much each row belongs to each cluster, noise too.

        As the hdbscan package defines it: from the distance to the nearest of each cluster's
        exemplars, the rows that stay longest in its last parts, times how late row and cluster
        part in the tree; scaled to the probability that the row is in some cluster at all.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows that the estimator was fitted to.

        Returns
        -------
        ndarray of shape (n_samples, n_clusters)
            Memberships; rows sum up to at most 1, and those with NaN or infinity are 0.
        """
        check_is_fitted(self, "condensed_tree_")
        if self.metric == "precomputed":
            raise ValueError("soft membership needs rows; the fit knew distances only")
        X = check_array(X, dtype=np.float64, ensure_all_finite=False)
        is_finite = self.labels_ > -2
        if len(X) != len(is_finite):
            raise ValueError(
                f"X has {len(X)} rows, but HDBSCAN was fitted to {len(is_finite)} rows; soft "
                "membership is that of the rows it was fitted to"
            )
        out = np.zeros((len(X), len(self.selected_clusters_)))
        out[is_finite] = membership_vectors(
            X[is_finite],
            self.condensed_tree_,
            self.selected_clusters_,
            metric=self.metric,
            metric_params=self.metric_params,
        )
        return out

    def exemplars(self) -> list[np.ndarray]:
        """Return, for each cluster, the rows that stay longest in its last parts.

        Returns
        -------
        list of ndarray
            Numbers of rows, those with NaN or infinity not counted.
        """
        check_is_fitted(self, "condensed_tree_")
        return exemplars(self.condensed_tree_, self.selected_clusters_)

    def _store_centers(self, X: Any, labels: np.ndarray, weights: np.ndarray) -> None:
        params = self.metric_params or {}
        centroids, medoids = [], []
        for cluster in range(len(self.selected_clusters_)):
            rows, weight = X[labels == cluster], weights[labels == cluster]
            if self.store_centers in ("centroid", "both"):
                centroids.append(np.average(rows, weights=weight, axis=0))
            if self.store_centers in ("medoid", "both"):
                parts = pairwise_distances_chunked(
                    rows,
                    metric=self.metric,
                    reduce_func=lambda part, _, weight=weight: part @ weight,
                    **params,
                )
                medoids.append(rows[np.argmin(np.concatenate(list(parts)))])
        for name, centers in (("centroids_", centroids), ("medoids_", medoids)):
            if self.store_centers in (name[:-2], "both"):
                setattr(self, name, np.array(centers).reshape(len(centers), X.shape[1]))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.metric != "precomputed"
        return tags


def row_sums(X: Any) -> np.ndarray:
    """Return the sum of each row, which is finite where all its numbers are."""
    if sp.issparse(X):
        return np.asarray(X.sum(axis=1)).ravel()
    out = np.empty(len(X))
    for start in range(0, len(X), _BLOCK):
        with np.errstate(invalid="ignore", over="ignore"):
            out[start : start + _BLOCK] = X[start : start + _BLOCK].sum(axis=1)
    return out


def counts(children: np.ndarray) -> np.ndarray:
    """Return the rows below each merge."""
    n = len(children) + 1
    below = [1] * n
    for left, right in children.tolist():
        below.append(below[left] + below[right])
    return np.array(below[n:])
