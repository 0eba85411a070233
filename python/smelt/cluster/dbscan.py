"""DBSCAN."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
import sklearn.cluster
from sklearn.base import BaseEstimator, ClusterMixin, _fit_context
from sklearn.metrics.pairwise import _VALID_METRICS
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, validate_data

from smelt._kernel import kernel
from smelt.neighbors._index import as_doubles, tree_metric

#: Boxes bound little in more columns, and products of whole blocks look at all pairs faster; their
#: lists of neighbours fit into memory where rows are few.
_MANY_COLUMNS, _FEW_ROWS = 15, 20_000


class DBSCAN(ClusterMixin, BaseEstimator):
    r"""Clusters of any shape: what dense rows reach in steps of at most ``eps``; the rest is noise.

    .. math:: i \text{ is core} \iff \sum_{j : d(x_i, x_j) \le \varepsilon} s_j \ge m

    with :math:`\varepsilon` = ``eps``, weights :math:`s` (1 if absent) and m = ``min_samples``.

    Core rows within ``eps`` of each other share a cluster.  A row that is not core joins the first
    cluster that has a core row within ``eps`` of it, or is noise.  Clusters are numbered in the
    order of their first core rows.  There is nothing to converge: the answer is exact.

    Parameters
    ----------
    eps : float > 0, default=0.5
        Largest distance between two rows that are neighbours.
    min_samples : int >= 1, default=5
        Rows (or their weight) within ``eps``, the row itself included, that make a row core.
    metric : str or callable, default="euclidean"
        Distance: smelt's own search knows "euclidean", "l2", "manhattan", "cityblock", "l1",
        "chebyshev" and "minkowski"; any other of scikit-learn's, "precomputed" among them, goes
        through scikit-learn.
    metric_params : dict, default=None
        Keywords of the metric.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        "ball_tree" searches by boxes and balls, anything else by boxes; clusters are the same.
    leaf_size : int >= 1, default=30
        Most rows in a leaf of the tree.
    p : float >= 1, default=None
        Power of the Minkowski distance.
    n_jobs : int, default=None
        Threads; None means all that smelt may use.

    Attributes
    ----------
    core_sample_indices_ : ndarray of shape (n_core_samples,)
        Core rows, ascending.
    components_ : {ndarray, sparse matrix} of shape (n_core_samples, n_features)
        A copy of the core rows.
    labels_ : ndarray of shape (n_samples,)
        Cluster of each row, -1 for noise.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where X holds NaN or infinity, or a parameter lies outside its range.

    See Also
    --------
    KMeans : Clusters around centres, in a number that is given.

    Notes
    -----
    No list of neighbours is stored: memory is a few times that of X, whatever ``eps`` is.
    Euclidean distances in up to three columns take a grid, about a microsecond a row; otherwise a
    packed tree is searched, twice a row.  In many columns a tree helps only where rows lie in
    clusters.  Scikit-learn takes sparse X, and up to 20,000 rows of more than 15 columns unless
    ``algorithm`` names a tree: it looks at all pairs by matrix products, with lists.  Deviation:
    for more rows, too, scikit-learn takes products there, or where ``algorithm`` is "brute", and
    may round a pair at exactly ``eps`` to the other side.

    References
    ----------
    Ester, Kriegel, Sander and Xu (1996), A density-based algorithm for discovering clusters in
    large spatial databases with noise.  Gan and Tao (2015), DBSCAN revisited: mis-claim,
    un-fixability, and approximation.

    Examples
    --------
    >>> from smelt.cluster import DBSCAN
    >>> X = [[1, 2], [2, 2], [2, 3], [8, 7], [8, 8], [25, 80]]
    >>> DBSCAN(eps=3, min_samples=2).fit(X).labels_
    array([ 0,  0,  0,  1,  1, -1])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "eps": [Interval(Real, 0.0, None, closed="neither")],
        "min_samples": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions(set(_VALID_METRICS) | {"precomputed"}), callable],
        "metric_params": [dict, None],
        "algorithm": [StrOptions({"auto", "ball_tree", "kd_tree", "brute"})],
        "leaf_size": [Interval(Integral, 1, None, closed="left")],
        "p": [Interval(Real, 0.0, None, closed="left"), None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        eps: float = 0.5,
        *,
        min_samples: int = 5,
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.eps = eps
        self.min_samples = min_samples
        self.metric = metric
        self.metric_params = metric_params
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> DBSCAN:
        """Cluster the rows of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; or distances of shape (n_samples, n_samples) where ``metric`` is "precomputed".
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, 1 if absent.  A row that weighs ``min_samples`` is core by
            itself; a negative weight may keep its neighbours from being core.

        Returns
        -------
        self : DBSCAN
            The fitted estimator.
        """
        X = validate_data(self, X, accept_sparse="csr")
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
        metric = None if sp.issparse(X) else self._own_metric(X)
        if metric is None:
            other = sklearn.cluster.DBSCAN(**self.get_params(deep=False))
            other.fit(X, sample_weight=sample_weight)
            self.core_sample_indices_ = other.core_sample_indices_
            self.components_, self.labels_ = other.components_, other.labels_
            return self
        fit = kernel("cluster.dbscan_fit", n_jobs=self.n_jobs)(
            as_doubles(X),
            None if sample_weight is None else as_doubles(sample_weight),
            eps=float(self.eps),
            min_samples=int(self.min_samples),
            metric=metric[0],
            p=metric[1],
            algorithm="ball_tree" if self.algorithm == "ball_tree" else "kd_tree",
            leaf_size=int(self.leaf_size),
        )
        self.core_sample_indices_ = fit["core_sample_indices"]
        self.labels_ = fit["labels"]
        if len(self.core_sample_indices_):
            self.components_ = X[self.core_sample_indices_]
        else:
            self.components_ = np.empty((0, X.shape[1]))
        return self

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        """Fit, and return the label of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; or distances of shape (n_samples, n_samples) where ``metric`` is "precomputed".
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            ``labels_``.
        """
        return self.fit(X, sample_weight=sample_weight).labels_

    def _own_metric(self, X: Any) -> tuple[str, float] | None:
        """Return the kernel's name of the metric and its power, or None for scikit-learn's way."""
        params = dict(self.metric_params or {})
        if self.metric == "minkowski":
            params.setdefault("p", self.p)
            if params["p"] is None:
                return None
        metric = tree_metric(self.metric, params)
        is_wide = X.shape[1] > _MANY_COLUMNS and len(X) <= _FEW_ROWS
        if is_wide and metric == ("euclidean", 2.0) and self.algorithm in ("auto", "brute"):
            return None
        return metric

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.input_tags.sparse = True
        return tags
