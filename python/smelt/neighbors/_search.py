"""What all estimators that look for neighbours share: fitting an index and asking it."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import is_classifier
from sklearn.exceptions import DataConversionWarning
from sklearn.neighbors import VALID_METRICS, VALID_METRICS_SPARSE
from sklearn.neighbors import BallTree as _BallTree
from sklearn.neighbors import KDTree as _KDTree
from sklearn.neighbors._base import NeighborsBase, _check_precomputed
from sklearn.utils import get_tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from smelt._validate import validate_predict
from smelt.neighbors._index import (
    as_lists,
    build_graph,
    build_tree,
    graph_metric,
    query_graph,
    query_rows,
    query_tree,
    tree_metric,
    unit_rows,
    within_tree,
)
from smelt.neighbors.binary_trees import BinaryTree

_TREES = (_BallTree, _KDTree, BinaryTree, NeighborsBase)


#: Ranges of the parameters of estimators that take ``algorithm="hnsw"``.
GRAPH_CONSTRAINTS: dict[str, list[Any]] = {
    "algorithm": [StrOptions({"auto", "ball_tree", "kd_tree", "brute", "hnsw"})],
    "M": [Interval(Integral, 2, 65536, closed="both")],
    "ef_construction": [Interval(Integral, 1, None, closed="left")],
    "ef": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
}


class Search:
    """Comes before scikit-learn's class of the same name among the bases of an estimator.

    ``_index`` is the dict of arrays of a packed tree or of a graph, or None where a distance is
    asked for that only scikit-learn has; ``_tree`` is then scikit-learn's tree, if any.
    """

    def _fit(self: Any, X: Any, y: Any = None) -> Any:
        X = self._validated(X, y)
        self._check_algorithm_metric()
        self._set_metric()
        self._index = self._tree = None
        if isinstance(X, NeighborsBase):
            self._index = getattr(X, "_index", None)
            self._tree, self._fit_X = X._tree, X._fit_X
            self._fit_method, self.n_samples_fit_ = X._fit_method, X.n_samples_fit_
            return self
        if isinstance(X, _TREES):
            return self._take_tree(X)
        if self.metric == "precomputed":
            X = _check_precomputed(X)
            if X.shape[0] != X.shape[1]:
                raise ValueError(
                    "Precomputed matrix must be square."
                    f" Input is a {X.shape[0]}x{X.shape[1]} matrix."
                )
            self.n_features_in_ = X.shape[1]
        if X.shape[0] == 0:
            raise ValueError("n_samples must be greater than 0")
        self.n_samples_fit_ = X.shape[0]
        if self.algorithm == "hnsw":
            return self._build_graph(X)
        if sp.issparse(X):
            self._check_sparse()
            self._fit_X, self._fit_method = X.copy(), "brute"
            return self
        self._fit_X, self._fit_method = X, self._choose_method(X)
        self._check_powers()
        if self._fit_method != "brute":
            self._build(X)
        return self

    def _check_algorithm_metric(self: Any) -> None:
        if self.algorithm != "hnsw":
            super()._check_algorithm_metric()  # type: ignore[misc]

    def _build_graph(self: Any, X: Any) -> Any:
        metric = graph_metric(self.effective_metric_, self.effective_metric_params_)
        if sp.issparse(X):
            raise ValueError(
                "algorithm='hnsw' does not work with sparse matrices. Densify the data, or set "
                "algorithm='brute'"
            )
        self._fit_X = X if X.dtype in (np.float32, np.float64) else X.astype(np.float64)
        self._fit_method = "hnsw"
        self._index = build_graph(self, self._fit_X, metric)
        return self

    def _validated(self: Any, X: Any, y: Any) -> Any:
        """Check X and y; keep y as codes or targets."""
        finite = "allow-nan" if get_tags(self).input_tags.allow_nan else True
        options = {"ensure_all_finite": finite, "accept_sparse": "csr", "order": "C"}
        is_tree = isinstance(X, _TREES)
        if not get_tags(self).target_tags.required:
            return X if is_tree else validate_data(self, X, **options)
        if not is_tree:
            X, y = validate_data(self, X, y, multi_output=True, **options)
        if is_classifier(self):
            self._set_classes(y)
        else:
            self._y = y
        return X

    def _set_classes(self: Any, y: Any) -> None:
        self.outputs_2d_ = y.ndim == 2 and y.shape[1] > 1
        if y.ndim == 2 and not self.outputs_2d_:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected. Please change the "
                "shape of y to (n_samples,), for example using ravel().",
                DataConversionWarning,
                stacklevel=4,
            )
        check_classification_targets(y)
        pairs = [np.unique(column, return_inverse=True) for column in np.atleast_2d(y.T)]
        self.classes_ = [classes for classes, _ in pairs]
        self._y = np.stack([codes.ravel() for _, codes in pairs], axis=1).astype(np.intp)
        if not self.outputs_2d_:
            self.classes_, self._y = self.classes_[0], self._y.ravel()

    def _set_metric(self: Any) -> None:
        """Set ``effective_metric_``: Minkowski's of power 1, 2 and infinity have names."""
        params = dict(self.metric_params or {})
        metric = self.metric
        if metric == "minkowski":
            p, w = params.pop("p", self.p), params.pop("w", None)
            named = {1: "manhattan", 2: "euclidean", np.inf: "chebyshev"}
            if w is None and p in named:
                metric = named[p]
            else:
                params |= {"p": p, "w": w}
        self.effective_metric_, self.effective_metric_params_ = metric, params

    def _take_tree(self: Any, tree: Any) -> Any:
        self._fit_X, self.n_samples_fit_ = np.asarray(tree.data), tree.data.shape[0]
        is_ball = isinstance(tree, _BallTree) or getattr(tree, "_algorithm", "") == "ball_tree"
        self._fit_method = "ball_tree" if is_ball else "kd_tree"
        if isinstance(tree, BinaryTree) and tree._index is not None:
            self._index = tree._index
        else:
            self._tree = getattr(tree, "_delegate", tree)
        return self

    def _check_sparse(self: Any) -> None:
        if self.algorithm not in ("auto", "brute"):
            warnings.warn("cannot use tree with sparse input: using brute force", stacklevel=4)
        metric = self.effective_metric_
        known = metric in VALID_METRICS_SPARSE["brute"] if isinstance(metric, str) else True
        if not known:
            raise ValueError(
                f"Metric '{metric}' not valid for sparse input. Use sorted(sklearn.neighbors."
                "VALID_METRICS_SPARSE['brute']) to get valid options. Metric can also be a "
                "callable function."
            )

    def _choose_method(self: Any, X: Any) -> str:
        """Return the method for ``algorithm``; "auto" as scikit-learn chooses."""
        if self.algorithm != "auto":
            return str(self.algorithm)
        metric, params = self.effective_metric_, self.effective_metric_params_
        half = X.shape[0] // 2
        if metric == "precomputed" or X.shape[1] > 15:
            return "brute"
        if self.n_neighbors is not None and self.n_neighbors >= half:
            return "brute"
        if metric == "minkowski" and params["p"] < 1:
            return "brute"
        if metric == "minkowski" and params.get("w") is not None:
            return "ball_tree"
        if isinstance(metric, str) and metric in VALID_METRICS["kd_tree"]:
            return "kd_tree"
        known = not isinstance(metric, str) or metric in VALID_METRICS["ball_tree"]
        return "ball_tree" if known else "brute"

    def _check_powers(self: Any) -> None:
        if self.effective_metric_ != "minkowski":
            return
        params = self.effective_metric_params_
        if params["p"] < 1 and self._fit_method == "brute":
            warnings.warn(
                "Mind that for 0 < p < 1, Minkowski metrics are not distance metrics. Continuing "
                "the execution with `algorithm='brute'`.",
                stacklevel=4,
            )
        elif params["p"] < 1:
            raise ValueError(
                f'algorithm="{self._fit_method}" does not support 0 < p < 1 for the Minkowski '
                'metric. To resolve this problem either set p >= 1 or algorithm="brute".'
            )
        if self._fit_method == "kd_tree" and params.get("w") is not None:
            raise ValueError(
                "algorithm='kd_tree' is not valid for metric='minkowski' with a weight parameter "
                "'w': try algorithm='ball_tree' or algorithm='brute' instead."
            )

    def _build(self: Any, X: Any) -> None:
        metric = tree_metric(self.effective_metric_, self.effective_metric_params_)
        if metric is None:
            tree = {"ball_tree": _BallTree, "kd_tree": _KDTree}[self._fit_method]
            params = self.effective_metric_params_
            self._tree = tree(X, self.leaf_size, metric=self.effective_metric_, **params)
            return
        self._index = build_tree(X, self._fit_method, metric, self.leaf_size, self.n_jobs)

    def _scanned_by(self: Any) -> tuple[str, float] | None:
        """Return the metric, and its power, by which smelt's own kernels look at all rows."""
        if self._fit_method != "brute" or sp.issparse(self._fit_X):
            return None
        metric, params = self.effective_metric_, self.effective_metric_params_
        if isinstance(metric, str) and metric == "cosine" and not params:
            return "cosine", 2.0
        return tree_metric(metric, params)

    def _check_fitted(self) -> None:
        check_is_fitted(self, "_fit_method")

    def _queries(self: Any, X: Any) -> Any:
        X = validate_predict(self, X, accept_sparse="csr")
        if sp.issparse(X):
            raise ValueError(
                f"{self._fit_method} does not work with sparse matrices. Densify the data, or set "
                "algorithm='brute'"
            )
        return X

    def kneighbors(
        self: Any, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True
    ) -> Any:
        """Find the nearest rows of the data that were fitted.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), default=None
            The queries.  None asks for the neighbours of the fitted rows, none of which is a
            neighbour of itself.
        n_neighbors : int, default=None
            How many; None means the estimator's ``n_neighbors``.
        return_distance : bool, default=True
            Whether to return distances too.

        Returns
        -------
        neigh_dist : ndarray of shape (n_queries, n_neighbors)
            Distances, nearest first; only if ``return_distance``.
        neigh_ind : ndarray of shape (n_queries, n_neighbors)
            Rows; of rows at the same distance the first comes first.
        """
        check_is_fitted(self)
        scan = None if self._index is not None or sp.issparse(X) else self._scanned_by()
        if self._index is None and scan is None:
            return super().kneighbors(X, n_neighbors, return_distance)  # type: ignore[misc]
        if n_neighbors is None:
            n_neighbors = self.n_neighbors
        elif n_neighbors <= 0:
            raise ValueError(f"Expected n_neighbors > 0. Got {n_neighbors}")
        elif not isinstance(n_neighbors, Integral):
            raise TypeError(
                f"n_neighbors does not take {type(n_neighbors)} value, enter integer value"
            )
        own = X is None
        X = self._fit_X if own else self._queries(X)
        if n_neighbors > self.n_samples_fit_ - own:
            raise ValueError(
                f"Expected n_neighbors {'<' if own else '<='} n_samples_fit, but "
                f"n_neighbors = {n_neighbors}, n_samples_fit = {self.n_samples_fit_}, "
                f"n_samples = {X.shape[0]}"
            )
        if self._fit_method == "hnsw":
            ef = getattr(self, "ef", 1)
            queries = None if own else X
            found = query_graph(self._index, self._fit_X, queries, n_neighbors, ef, self.n_jobs)
        elif scan is not None and scan[0] == "cosine":
            rows = unit_rows(self._fit_X)
            queries = rows if own else unit_rows(X)
            if rows is None or queries is None:
                X = None if own else X
                return super().kneighbors(X, n_neighbors, return_distance)  # type: ignore[misc]
            found = query_rows(rows, queries, n_neighbors, own=own, n_jobs=self.n_jobs)
            found = found[0] ** 2 / 2, found[1]
        elif scan is not None:
            found = query_rows(self._fit_X, X, n_neighbors, scan, own=own, n_jobs=self.n_jobs)
        else:
            found = query_tree(self._index, X, n_neighbors, own=own, n_jobs=self.n_jobs)
        return found if return_distance else found[1]

    def radius_neighbors(
        self: Any,
        X: Any = None,
        radius: Any = None,
        return_distance: bool = True,
        sort_results: bool = False,
    ) -> Any:
        """Find all rows within a radius; those at the radius itself count.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), default=None
            The queries.  None asks for the neighbours of the fitted rows, none of which is a
            neighbour of itself.
        radius : float, default=None
            Largest distance; None means the estimator's ``radius``.
        return_distance : bool, default=True
            Whether to return distances too.
        sort_results : bool, default=False
            Whether the nearest come first; otherwise rows ascend.

        Returns
        -------
        neigh_dist : ndarray of shape (n_queries,) of arrays
            Distances; only if ``return_distance``.
        neigh_ind : ndarray of shape (n_queries,) of arrays
            Rows.
        """
        check_is_fitted(self)
        if self._index is None:
            return super().radius_neighbors(X, radius, return_distance, sort_results)  # type: ignore[misc]
        if sort_results and not return_distance:
            raise ValueError("return_distance must be True if sort_results is True.")
        starts, ids, distances = self._within(X, radius, sort_results)
        lists = as_lists(starts, distances, ids)
        return lists if return_distance else lists[1]

    def _check_radius(self: Any) -> None:
        if self._fit_method == "hnsw":
            raise ValueError(
                "algorithm='hnsw' finds the nearest rows, not all within a radius; use 'kd_tree', "
                "'ball_tree' or 'brute'."
            )

    def _within(self: Any, X: Any, radius: Any, by_distance: bool = False) -> tuple[Any, Any, Any]:
        """Return offsets, rows and distances of the rows within the radius."""
        own = X is None
        self._check_radius()
        radius = self.radius if radius is None else radius
        if self._index is None:
            distances, ids = super().radius_neighbors(X, radius)  # type: ignore[misc]
            starts = np.cumsum([0, *map(len, ids)])
            if len(ids) == 0 or starts[-1] == 0:
                return starts, np.empty(0, dtype=np.int64), np.empty(0)
            return starts, np.concatenate(ids).astype(np.int64), np.concatenate(distances)
        X = self._fit_X if own else self._queries(X)
        return within_tree(
            self._index, X, radius, own=own, by_distance=by_distance, n_jobs=self.n_jobs
        )
