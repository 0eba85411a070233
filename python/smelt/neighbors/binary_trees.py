"""k-d trees and ball trees to ask directly."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import sklearn.neighbors
from sklearn.utils import check_array

from smelt.neighbors._index import (
    as_lists,
    build_tree,
    count_tree,
    query_tree,
    tree_metric,
    within_tree,
)


class BinaryTree:
    """What both trees share: scikit-learn's methods on a packed tree of arrays."""

    _algorithm: ClassVar[str]
    _reference: ClassVar[Any]
    valid_metrics: ClassVar[list[str]]

    def __init__(
        self,
        X: Any,
        leaf_size: int = 40,
        metric: Any = "minkowski",
        sample_weight: Any = None,
        **kwargs: Any,
    ):
        self.data = check_array(X, dtype=np.float64, order="C")
        if leaf_size < 1:
            raise ValueError("leaf_size must be greater than or equal to 1")
        self.leaf_size, self.metric, self.sample_weight = leaf_size, metric, sample_weight
        self._metric_params = kwargs
        self._made: Any = None
        name = tree_metric(metric, kwargs)
        self._index = None
        if name is None:
            self._delegate  # noqa: B018  scikit-learn's errors come now, not later
        else:
            self._index = build_tree(self.data, self._algorithm, name, leaf_size)

    @property
    def _delegate(self) -> Any:
        """scikit-learn's tree over the same rows, for what smelt has no kernel for."""
        if self._made is None:
            self._made = self._reference(
                self.data,
                leaf_size=self.leaf_size,
                metric=self.metric,
                sample_weight=self.sample_weight,
                **self._metric_params,
            )
        return self._made

    def _queries(self, X: Any) -> Any:
        X = check_array(X, dtype=np.float64, order="C")
        if X.shape[1] != self.data.shape[1]:
            raise ValueError("query data dimension must match training data dimension")
        return X

    def query(
        self,
        X: Any,
        k: int = 1,
        return_distance: bool = True,
        dualtree: bool = False,
        breadth_first: bool = False,
        sort_results: bool = True,
    ) -> Any:
        """Find the k nearest rows of each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            The queries.
        k : int, default=1
            How many neighbours.
        return_distance : bool, default=True
            Whether to return distances too.
        dualtree, breadth_first, sort_results : bool
            Accepted for scikit-learn's sake: the nearest always come first, by one method.

        Returns
        -------
        d : ndarray of shape (n_queries, k)
            Distances, nearest first; only if ``return_distance``.
        i : ndarray of shape (n_queries, k)
            Rows; of rows at the same distance the first comes first.
        """
        if self._index is None:
            return self._delegate.query(
                X, k, return_distance, dualtree, breadth_first, sort_results
            )
        X = self._queries(X)
        if self.data.shape[0] < k:
            raise ValueError("k must be less than or equal to the number of training points")
        found = query_tree(self._index, X, k)
        return found if return_distance else found[1]

    def query_radius(
        self,
        X: Any,
        r: Any,
        return_distance: bool = False,
        count_only: bool = False,
        sort_results: bool = False,
    ) -> Any:
        """Find, or count, all rows within a radius of each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            The queries.
        r : float or array-like of shape (n_queries,)
            Largest distance, which still counts.
        return_distance : bool, default=False
            Whether to return distances too.
        count_only : bool, default=False
            Whether to return numbers of rows only; no lists are made then.
        sort_results : bool, default=False
            Whether the nearest come first; otherwise rows ascend.

        Returns
        -------
        count : ndarray of shape (n_queries,)
            If ``count_only``.
        ind : ndarray of shape (n_queries,) of arrays
            Rows, unless ``count_only``.
        dist : ndarray of shape (n_queries,) of arrays
            Distances, if ``return_distance``.
        """
        if count_only and return_distance:
            raise ValueError("count_only and return_distance cannot both be true")
        if sort_results and not return_distance:
            raise ValueError("return_distance must be True if sort_results is True")
        if self._index is None:
            return self._delegate.query_radius(X, r, return_distance, count_only, sort_results)
        X = self._queries(X)
        radius = np.atleast_1d(np.asarray(r, dtype=np.float64))
        if radius.shape == (1,):
            radius = radius[0]
        elif radius.shape != X.shape[:1]:
            raise ValueError("r must be broadcastable to X.shape")
        if count_only:
            return count_tree(self._index, X, radius)
        found = within_tree(self._index, X, radius, by_distance=sort_results)
        ind, dist = as_lists(*found)
        return (ind, dist) if return_distance else ind

    def two_point_correlation(self, X: Any, r: Any, dualtree: bool = False) -> Any:
        """Count the pairs of a query and a row within each distance.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            The queries.
        r : float or array-like of shape (n_radii,)
            Distances.
        dualtree : bool, default=False
            Accepted for scikit-learn's sake.

        Returns
        -------
        counts : ndarray of shape (n_radii,)
            Pairs within each distance.
        """
        radii = np.atleast_1d(np.asarray(r, dtype=np.float64))
        if radii.ndim != 1:
            raise ValueError("r must be a 1-dimensional array")
        if self._index is None:
            return self._delegate.two_point_correlation(X, r, dualtree)
        X = self._queries(X)
        return np.array([count_tree(self._index, X, radius).sum() for radius in radii])

    def kernel_density(self, X: Any, h: float, **options: Any) -> Any:
        """Estimate the density at each query by kernels on the rows: scikit-learn's own code."""
        return self._delegate.kernel_density(X, h, **options)

    def get_arrays(self) -> Any:
        """Return data, order of rows, nodes and bounds as scikit-learn's tree lays them out."""
        return self._delegate.get_arrays()

    def get_tree_stats(self) -> Any:
        """Return scikit-learn's counters of what it did; smelt's kernels keep none."""
        return self._delegate.get_tree_stats()

    def get_n_calls(self) -> Any:
        """Return scikit-learn's count of distances; smelt's kernels keep none."""
        return self._delegate.get_n_calls()

    def reset_n_calls(self) -> None:
        """Set scikit-learn's count of distances to 0."""
        self._delegate.reset_n_calls()

    @property
    def idx_array(self) -> Any:
        """Rows in the order of scikit-learn's leaves."""
        return self.get_arrays()[1]

    @property
    def node_data(self) -> Any:
        """scikit-learn's nodes."""
        return self.get_arrays()[2]

    @property
    def node_bounds(self) -> Any:
        """scikit-learn's bounds of nodes."""
        return self.get_arrays()[3]


class KDTree(BinaryTree):
    """A k-d tree: points in boxes, found again without looking at all of them.

    Rows are halved by the median of their widest column until a leaf holds at most ``leaf_size``.
    A query opens boxes from the nearest on, until no box can hold a closer row.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The points.
    leaf_size : int, default=40
        Most points in a leaf; it changes speed and memory, never results.
    metric : str or DistanceMetric, default="minkowski"
        "euclidean", "manhattan", "chebyshev" or "minkowski" with p of at least 1.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights for :meth:`kernel_density`.
    **kwargs
        Parameters of the metric, e.g. ``p``.

    Attributes
    ----------
    data : ndarray of shape (n_samples, n_features)
        The points.

    Raises
    ------
    ValueError
        Where X holds NaN or infinity or the metric does not go with the tree.

    Notes
    -----
    Building costs ``n log n``, a query about ``log n`` where columns are few.  Queries at once run
    in parallel, in an order that keeps near ones together.  Distances are scikit-learn's to the
    last bit; of rows at the same distance the first comes first.  :meth:`kernel_density` and
    :meth:`get_arrays` are answered by scikit-learn's tree.

    References
    ----------
    Bentley (1975), Multidimensional binary search trees used for associative searching.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.neighbors import KDTree
    >>> tree = KDTree(np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]]))
    >>> tree.query([[0.9, 0.1]], k=2)[1]
    array([[1, 0]])
    """

    _algorithm = "kd_tree"
    _reference = sklearn.neighbors.KDTree
    valid_metrics: ClassVar[list[str]] = list(sklearn.neighbors.KDTree.valid_metrics)


class BallTree(BinaryTree):
    """A ball tree: points in balls (and boxes), found again without looking at all of them.

    As :class:`KDTree`, where a node is bounded by a ball about the mean of its points too.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The points.
    leaf_size : int, default=40
        Most points in a leaf; it changes speed and memory, never results.
    metric : str or DistanceMetric, default="minkowski"
        "euclidean", "manhattan", "chebyshev" or "minkowski" with p of at least 1; any other of
        scikit-learn's is answered by scikit-learn's tree.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights for :meth:`kernel_density`.
    **kwargs
        Parameters of the metric, e.g. ``p``.

    Attributes
    ----------
    data : ndarray of shape (n_samples, n_features)
        The points.

    Raises
    ------
    ValueError
        Where X holds NaN or infinity or the metric does not go with the tree.

    Notes
    -----
    See :class:`KDTree`.

    References
    ----------
    Omohundro (1989), Five balltree construction algorithms.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.neighbors import BallTree
    >>> tree = BallTree(np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]]))
    >>> tree.query_radius([[0.9, 0.1]], r=1.0, count_only=True)
    array([2])
    """

    _algorithm = "ball_tree"
    _reference = sklearn.neighbors.BallTree
    valid_metrics: ClassVar[list[str]] = list(sklearn.neighbors.BallTree.valid_metrics)
