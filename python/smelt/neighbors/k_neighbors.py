"""Classification and regression by the k nearest rows."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.neighbors import KNeighborsClassifier as _Classifier
from sklearn.neighbors import KNeighborsRegressor as _Regressor
from sklearn.neighbors._base import _get_weights

from smelt.neighbors._search import GRAPH_CONSTRAINTS, Search
from smelt.neighbors._voting import class_votes, mean_targets


def neighborhoods(estimator: Any, X: Any) -> tuple[Any, Any, Any]:
    """Return offsets, rows and weights (None: all the same) of the neighbours of X."""
    if estimator.weights in ("uniform", None):
        ids, weights = estimator.kneighbors(X, return_distance=False), None
    else:
        distances, ids = estimator.kneighbors(X)
        weights = np.ascontiguousarray(_get_weights(distances, estimator.weights), dtype=np.float64)
    starts = np.arange(len(ids) + 1, dtype=np.int64) * ids.shape[1]
    ids = np.ascontiguousarray(ids, dtype=np.int64).ravel()
    return starts, ids, None if weights is None else weights.ravel()


class KNeighborsClassifier(Search, _Classifier):
    r"""The class that most of the k nearest rows have.

    .. math:: P(c \mid x) = \sum_{i \in N_k(x)} w_i \, [y_i = c] \; / \sum_{i \in N_k(x)} w_i

    Nothing is learned but where the rows are (see :class:`NearestNeighbors`); of classes with as
    many votes the first wins.

    Parameters
    ----------
    n_neighbors : int, default=5
        Neighbours that vote, at least 1.
    weights : {"uniform", "distance"}, callable or None, default="uniform"
        Weight of a vote: the same for all; 1 / distance (rows at distance 0 alone, where there are
        any); or what a function makes of an array of distances.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute", "hnsw"}, default="auto"
        How neighbours are found, see :class:`NearestNeighbors`.
    leaf_size : int, default=30
        Most rows in a leaf; it changes speed and memory, never results.
    p : float, default=2
        Power of "minkowski".
    metric : str, callable or DistanceMetric, default="minkowski"
        The distance, see :class:`NearestNeighbors`.
    metric_params : dict, default=None
        Further parameters of the metric.
    n_jobs : int, default=None
        Threads; None means those of :class:`smelt.config`.  Results do not depend on it.
    M, ef_construction, ef, random_state : default=16, 200, 100, 0
        Parameters of "hnsw", see :class:`NearestNeighbors`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of them
        Classes, a list of arrays where y has several columns.
    effective_metric_ : str or callable
        The metric in use.
    effective_metric_params_ : dict
        Its parameters.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.
    n_samples_fit_ : int
        Rows of X.
    outputs_2d_ : bool
        Whether y has several columns.

    Raises
    ------
    ValueError
        Where X holds NaN or infinity, y is no classification target, more neighbours are asked for
        than there are rows, or all neighbours of a row weigh nothing.

    Notes
    -----
    Cost: that of finding the neighbours, and one look-up a neighbour.

    References
    ----------
    Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning*, section 13.3.

    Examples
    --------
    >>> from smelt.neighbors import KNeighborsClassifier
    >>> model = KNeighborsClassifier(n_neighbors=3).fit([[0], [1], [2], [3]], [0, 0, 1, 1])
    >>> model.predict([[1.1]]), model.predict_proba([[0.9]]).round(2)
    (array([0]), array([[0.67, 0.33]]))
    """

    _index: Any

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_Classifier._parameter_constraints,
        **GRAPH_CONSTRAINTS,
    }

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Any = "uniform",
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: Any = "minkowski",
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
        M: int = 16,
        ef_construction: int = 200,
        ef: int = 100,
        random_state: Any = 0,
    ) -> None:
        super().__init__(
            n_neighbors,
            weights=weights,
            algorithm=algorithm,
            leaf_size=leaf_size,
            p=p,
            metric=metric,
            metric_params=metric_params,
            n_jobs=n_jobs,
        )
        self.M = M
        self.ef_construction = ef_construction
        self.ef = ef
        self.random_state = random_state

    def _votes(self, X: Any) -> list[Any]:
        """Return votes of shape (n_queries, n_classes), one array an output."""
        starts, ids, weights = neighborhoods(self, X)
        if weights is not None and not weights.reshape(len(starts) - 1, -1).any(axis=1).all():
            raise ValueError(
                "All neighbors of some sample is getting zero weights. Please modify 'weights' to "
                "avoid this case if you are using a user-defined function."
            )
        return class_votes(self, (starts, ids, weights), "k_neighbors")

    def predict(self, X: Any) -> Any:
        """Predict the class with the most votes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), or None
            Queries; None means the fitted rows, none of which votes for itself.

        Returns
        -------
        ndarray of shape (n_queries,) or (n_queries, n_outputs)
            Classes.
        """
        self._check_fitted()
        votes = self._votes(X)
        if not self.outputs_2d_:
            return self.classes_[votes[0].argmax(axis=1)]
        found = np.empty((len(votes[0]), len(votes)), dtype=self.classes_[0].dtype)
        for output, counted in enumerate(votes):
            found[:, output] = self.classes_[output][counted.argmax(axis=1)]
        return found

    def predict_proba(self, X: Any) -> Any:
        """Return the share of votes of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), or None
            Queries; None means the fitted rows, none of which votes for itself.

        Returns
        -------
        ndarray of shape (n_queries, n_classes), or a list of them, one an output
            Shares, which add up to 1.
        """
        self._check_fitted()
        votes = self._votes(X)
        for counted in votes:
            counted /= counted.sum(axis=1, keepdims=True)
        return votes if self.outputs_2d_ else votes[0]


class KNeighborsRegressor(Search, _Regressor):
    r"""The mean of the targets of the k nearest rows.

    .. math:: f(x) = \sum_{i \in N_k(x)} w_i \, y_i \; / \sum_{i \in N_k(x)} w_i

    Nothing is learned but where the rows are (see :class:`NearestNeighbors`).

    Parameters
    ----------
    n_neighbors : int, default=5
        Neighbours that are averaged, at least 1.
    weights : {"uniform", "distance"}, callable or None, default="uniform"
        Weight of a neighbour: the same for all; 1 / distance (rows at distance 0 alone, where there
        are any); or what a function makes of an array of distances.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute", "hnsw"}, default="auto"
        How neighbours are found, see :class:`NearestNeighbors`.
    leaf_size : int, default=30
        Most rows in a leaf; it changes speed and memory, never results.
    p : float, default=2
        Power of "minkowski".
    metric : str, callable or DistanceMetric, default="minkowski"
        The distance, see :class:`NearestNeighbors`.
    metric_params : dict, default=None
        Further parameters of the metric.
    n_jobs : int, default=None
        Threads; None means those of :class:`smelt.config`.  Results do not depend on it.
    M, ef_construction, ef, random_state : default=16, 200, 100, 0
        Parameters of "hnsw", see :class:`NearestNeighbors`.

    Attributes
    ----------
    effective_metric_ : str or callable
        The metric in use.
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
        Where X or y hold NaN or infinity, or more neighbours are asked for than there are rows.

    Notes
    -----
    Cost: that of finding the neighbours, and one look-up a neighbour.  Sums are float64.

    References
    ----------
    Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning*, section 2.3.2.

    Examples
    --------
    >>> from smelt.neighbors import KNeighborsRegressor
    >>> model = KNeighborsRegressor(n_neighbors=2).fit([[0], [1], [2], [3]], [0, 0, 1, 1])
    >>> model.predict([[1.5]])
    array([0.5])
    """

    _index: Any

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_Regressor._parameter_constraints,
        **GRAPH_CONSTRAINTS,
    }

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Any = "uniform",
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: Any = "minkowski",
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
        M: int = 16,
        ef_construction: int = 200,
        ef: int = 100,
        random_state: Any = 0,
    ) -> None:
        super().__init__(
            n_neighbors,
            weights=weights,
            algorithm=algorithm,
            leaf_size=leaf_size,
            p=p,
            metric=metric,
            metric_params=metric_params,
            n_jobs=n_jobs,
        )
        self.M = M
        self.ef_construction = ef_construction
        self.ef = ef
        self.random_state = random_state

    def predict(self, X: Any) -> Any:
        """Predict the mean of the neighbours' targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), or None
            Queries; None means the fitted rows, none of which is its own neighbour.

        Returns
        -------
        ndarray of shape (n_queries,) or (n_queries, n_outputs)
            Predictions, float64 (float32 for uniform weights and float32 targets).
        """
        self._check_fitted()
        return mean_targets(self, neighborhoods(self, X), "k_neighbors")
