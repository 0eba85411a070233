"""Nearest neighbours."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.neighbors import NearestNeighbors as _NearestNeighbors

from smelt.neighbors._search import GRAPH_CONSTRAINTS, Search


class NearestNeighbors(Search, _NearestNeighbors):
    """Finds the rows next to a query: the k nearest, or all within a radius.

    For few columns the rows are packed into a tree: halved by the median of the widest column until
    a leaf holds at most ``leaf_size``.  A query opens leaves from the nearest on until no other can
    hold a closer row.  For many columns all rows are looked at, in float32 with a bound on what
    rounding may do; the rows that this leaves are compared in float64.  Either way the answer is
    exact.  With ``algorithm="hnsw"`` a graph leads from row to nearer row: by far the fastest for
    many rows of many columns, and now and then a neighbour is missed.

    Parameters
    ----------
    n_neighbors : int, default=5
        Neighbours that :meth:`kneighbors` finds by default, at least 1.
    radius : float, default=1.0
        Radius of :meth:`radius_neighbors` by default, at least 0.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute", "hnsw"}, default="auto"
        "auto" takes a tree for up to 15 columns and fewer neighbours than half the rows, where the
        metric goes with one, and looks at all rows otherwise.  Sparse data mean "brute".  "hnsw" is
        approximate, never taken by "auto": it walks a graph in which near rows are linked.
    leaf_size : int, default=30
        Most rows in a leaf; it changes speed and memory, never results.
    metric : str, callable or DistanceMetric, default="minkowski"
        The distance.  Trees of smelt's own answer "euclidean", "manhattan", "chebyshev" and
        "minkowski", its look at all rows these and "cosine" for the k nearest in dense data;
        everything else that scikit-learn has is answered by scikit-learn's code.  "hnsw" takes
        "euclidean", "sqeuclidean" and "cosine".
    p : float, default=2
        Power of "minkowski".
    metric_params : dict, default=None
        Further parameters of the metric.
    n_jobs : int, default=None
        Threads; None means those of :class:`smelt.config`.  Results do not depend on it.
    M : int, default=16
        Links a row makes on each level of the graph of "hnsw", at least 2.  More cost memory and
        time and find more.
    ef_construction : int, default=200
        Rows kept in view while the graph is built, at least 1.
    ef : int, default=100
        Rows kept in view by a query to the graph, at least 1; ``n_neighbors`` where that is more.
        May be set after fitting.
    random_state : int, RandomState instance or None, default=0
        Draws the order of the rows and the levels of the graph.

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

    A graph costs about ``M ef_construction`` distances a row to build, ``M ef`` a query to ask, and
    ``4 n_features + 8 M`` bytes a row.  It compares rows in float32, relative to their middle; the
    distances of what it finds are computed from the rows themselves in float64.  Rows that are
    equal share a node.  It answers no ``radius_neighbors``.

    References
    ----------
    Bentley (1975), Multidimensional binary search trees used for associative searching.
    Malkov and Yashunin (2020), Efficient and robust approximate nearest neighbor search using
    hierarchical navigable small world graphs.

    Examples
    --------
    >>> from smelt.neighbors import NearestNeighbors
    >>> X = [[0.0, 0.0, 0.0], [0.0, 0.5, 0.0], [1.0, 1.0, 0.5]]
    >>> NearestNeighbors(n_neighbors=1).fit(X).kneighbors([[1.0, 1.0, 1.0]])
    (array([[0.5]]), array([[2]]))
    """

    _index: Any

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_NearestNeighbors._parameter_constraints,
        **GRAPH_CONSTRAINTS,
    }

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        radius: float = 1.0,
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: Any = "minkowski",
        p: float = 2,
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
        M: int = 16,
        ef_construction: int = 200,
        ef: int = 100,
        random_state: Any = 0,
    ) -> None:
        super().__init__(
            n_neighbors=n_neighbors,
            radius=radius,
            algorithm=algorithm,
            leaf_size=leaf_size,
            metric=metric,
            p=p,
            metric_params=metric_params,
            n_jobs=n_jobs,
        )
        self.M = M
        self.ef_construction = ef_construction
        self.ef = ef
        self.random_state = random_state
