"""Classification and regression by all rows within a radius."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.neighbors import RadiusNeighborsClassifier as _Classifier
from sklearn.neighbors import RadiusNeighborsRegressor as _Regressor
from sklearn.neighbors._base import _get_weights

from smelt.neighbors._index import as_lists
from smelt.neighbors._search import Search
from smelt.neighbors._voting import class_votes, mean_targets


def neighborhoods(estimator: Any, X: Any) -> tuple[Any, Any, Any]:
    """Return offsets, rows and weights (None: all the same) of the neighbours of X."""
    estimator._check_fitted()
    starts, ids, distances = estimator._within(X, None)
    if estimator.weights in ("uniform", None):
        return starts, ids, None
    if estimator.weights == "distance":
        with np.errstate(divide="ignore"):
            weights = 1.0 / distances
        # Where rows are at distance 0 they alone count.
        query = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        here = np.isinf(weights)
        meets = np.zeros(len(starts) - 1, dtype=bool)
        meets[query[here]] = True
        return starts, ids, np.where(meets[query], here.astype(np.float64), weights)
    weights = _get_weights(as_lists(starts, distances)[0], estimator.weights)
    flat = [np.asarray(one, dtype=np.float64) for one in weights]
    return starts, ids, np.concatenate(flat) if flat else distances


class RadiusNeighborsClassifier(Search, _Classifier):
    r"""The class that most of the rows within a radius have.

    .. math:: P(c \mid x) = \sum_{\lVert x_i - x \rVert \le r} w_i \, [y_i = c] \; / \sum w_i

    Nothing is learned but where the rows are (see :class:`NearestNeighbors`); of classes with as
    many votes the first wins.

    Parameters
    ----------
    radius : float, default=1.0
        Largest distance of a row that votes, which still counts; at least 0.
    weights : {"uniform", "distance"}, callable or None, default="uniform"
        Weight of a vote: the same for all; 1 / distance (rows at distance 0 alone, where there are
        any); or what a function makes of an array of arrays of distances.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        How neighbours are found, see :class:`NearestNeighbors`.
    leaf_size : int, default=30
        Most rows in a leaf; it changes speed and memory, never results.
    p : float, default=2
        Power of "minkowski".
    metric : str, callable or DistanceMetric, default="minkowski"
        The distance, see :class:`NearestNeighbors`.
    outlier_label : label, list of labels, "most_frequent" or None, default=None
        Class of queries without neighbours, one for each output; None makes them an error.
    metric_params : dict, default=None
        Further parameters of the metric.
    n_jobs : int, default=None
        Threads; None means those of :class:`smelt.config`.  Results do not depend on it.

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
    outlier_label_ : list or None
        Class of queries without neighbours, one for each output.
    outputs_2d_ : bool
        Whether y has several columns.

    Raises
    ------
    ValueError
        Where X holds NaN or infinity, y is no classification target, or a query has no neighbours
        and there is no ``outlier_label``.

    Notes
    -----
    Cost: that of finding the neighbours, and one look-up a neighbour.

    References
    ----------
    Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning*, section 13.3.

    Examples
    --------
    >>> from smelt.neighbors import RadiusNeighborsClassifier
    >>> model = RadiusNeighborsClassifier(radius=1.0).fit([[0], [1], [2], [3]], [0, 0, 1, 1])
    >>> model.predict([[1.5]]), model.predict_proba([[1.0]]).round(2)
    (array([0]), array([[0.67, 0.33]]))
    """

    _index: Any

    def predict_proba(self, X: Any) -> Any:
        """Return the share of votes of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), or None
            Queries; None means the fitted rows, none of which votes for itself.

        Returns
        -------
        ndarray of shape (n_queries, n_classes), or a list of them, one an output
            Shares, which add up to 1, or are all 0 for a query without neighbours whose label is no
            class.
        """
        near = neighborhoods(self, X)
        lonely = np.flatnonzero(np.diff(near[0]) == 0)
        if lonely.size and self.outlier_label_ is None:
            raise ValueError(
                f"No neighbors found for test samples {lonely!r}, you can try using larger radius, "
                "giving a label for outliers, or considering removing them from your dataset."
            )
        classes: list[Any] = self.classes_ if self.outputs_2d_ else [self.classes_]
        shares = []
        for output, votes in enumerate(class_votes(self, near, "radius_neighbors")):
            if lonely.size:
                label = self.outlier_label_[output]
                place = np.flatnonzero(classes[output] == label)
                if place.size == 1:
                    votes[lonely, place[0]] = 1.0
                else:
                    warnings.warn(
                        f"Outlier label {label} is not in training classes. All class "
                        "probabilities of outliers will be assigned with 0.",
                        stacklevel=2,
                    )
            total = votes.sum(axis=1, keepdims=True)
            total[total == 0.0] = 1.0
            shares.append(votes / total)
        return shares if self.outputs_2d_ else shares[0]


class RadiusNeighborsRegressor(Search, _Regressor):
    r"""The mean of the targets of all rows within a radius.

    .. math:: f(x) = \sum_{\lVert x_i - x \rVert \le r} w_i \, y_i \; / \sum w_i

    Nothing is learned but where the rows are (see :class:`NearestNeighbors`).

    Parameters
    ----------
    radius : float, default=1.0
        Largest distance of a row that is averaged, which still counts; at least 0.
    weights : {"uniform", "distance"}, callable or None, default="uniform"
        Weight of a neighbour: the same for all; 1 / distance (rows at distance 0 alone, where there
        are any); or what a function makes of an array of arrays of distances.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
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
        Where X or y hold NaN or infinity.

    Notes
    -----
    Cost: that of finding the neighbours, and one look-up a neighbour.  A query without neighbours
    is NaN, with a warning; also where targets are whole numbers (scikit-learn's NaN becomes one).

    References
    ----------
    Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning*, section 6.1.

    Examples
    --------
    >>> from smelt.neighbors import RadiusNeighborsRegressor
    >>> model = RadiusNeighborsRegressor(radius=1.0).fit([[0], [1], [2], [3]], [0, 0, 1, 1])
    >>> model.predict([[1.5]])
    array([0.5])
    """

    _index: Any

    def predict(self, X: Any) -> Any:
        """Predict the mean of the neighbours' targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), or None
            Queries; None means the fitted rows, none of which is its own neighbour.

        Returns
        -------
        ndarray of shape (n_queries,) or (n_queries, n_outputs)
            Predictions.
        """
        found = mean_targets(self, neighborhoods(self, X), "radius_neighbors")
        if np.isnan(found).any():
            warnings.warn(
                "One or more samples have no neighbors within specified radius; predicting NaN.",
                stacklevel=2,
            )
        return found
