"""Nearest neighbours."""

from __future__ import annotations

from typing import Any

from sklearn.neighbors import NearestNeighbors as _NearestNeighbors

from smelt.neighbors._search import Search


class NearestNeighbors(Search, _NearestNeighbors):
    """Finds the rows next to a query: the k nearest, or all within a radius.

    For few columns the rows are packed into a tree: halved by the median of the widest column until
    a leaf holds at most ``leaf_size``.  A query opens leaves from the nearest on until no other can
    hold a closer row.  For many columns all rows are looked at, in float32 with a bound on what
    rounding may do; the rows that this leaves are compared in float64.  Either way the answer is
    exact.

    Parameters
    ----------
    n_neighbors : int, default=5
        Neighbours that :meth:`kneighbors` finds by default, at least 1.
    radius : float, default=1.0
        Radius of :meth:`radius_neighbors` by default, at least 0.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        "auto" takes a tree for up to 15 columns and fewer neighbours than half the rows, where the
        metric goes with one, and looks at all rows otherwise.  Sparse data always mean "brute".
    leaf_size : int, default=30
        Most rows in a leaf; it changes speed and memory, never results.
    metric : str, callable or DistanceMetric, default="minkowski"
        The distance.  Trees of smelt's own answer "euclidean", "manhattan", "chebyshev" and
        "minkowski", its look at all rows "euclidean" for the k nearest in dense data; everything
        else that scikit-learn has is answered by scikit-learn's code.
    p : float, default=2
        Power of "minkowski".
    metric_params : dict, default=None
        Further parameters of the metric.
    n_jobs : int, default=None
        Threads; None means those of :class:`smelt.config`.  Results do not depend on it.

    Attributes
    ----------
    effective_metric_ : str or callable
        The metric; "minkowski" with p of 1, 2 or infinity goes by its own name.
    effective_metric_params_ : dict
        Its parameters.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.
    n_samples_fit_ : int
        Rows of X.

    Raises
    ------
    ValueError
        Where X holds NaN or infinity, the metric does not go with the algorithm, more neighbours
        are asked for than there are rows, or the neighbours within a radius do not fit into memory.

    See Also
    --------
    KDTree, BallTree : The trees by themselves.

    Notes
    -----
    A tree costs ``n d log n`` to build and about ``log n`` a query where columns are few.  Queries
    of one call run in parallel.  Distances are those of scikit-learn's trees to the last bit.
    Deviation from scikit-learn, which leaves it open: of rows at the same distance the first comes
    first, and unsorted rows within a radius ascend.

    References
    ----------
    Bentley (1975), Multidimensional binary search trees used for associative searching.

    Examples
    --------
    >>> from smelt.neighbors import NearestNeighbors
    >>> X = [[0.0, 0.0, 0.0], [0.0, 0.5, 0.0], [1.0, 1.0, 0.5]]
    >>> NearestNeighbors(n_neighbors=1).fit(X).kneighbors([[1.0, 1.0, 1.0]])
    (array([[0.5]]), array([[2]]))
    """

    _index: Any
