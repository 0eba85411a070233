"""Local outlier factor."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import _fit_context
from sklearn.neighbors import LocalOutlierFactor as _LocalOutlierFactor
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from smelt._kernel import kernel
from smelt.neighbors._index import as_doubles
from smelt.neighbors._search import Search


def _tells_new_rows(estimator: Any) -> bool:
    if not estimator.novelty:
        raise AttributeError(
            "score_samples is not available when novelty=False. Rows that were fitted have their "
            "scores in negative_outlier_factor_; use novelty=True to score new ones."
        )
    return True


class LocalOutlierFactor(Search, _LocalOutlierFactor):
    r"""Finds the rows that lie in a thinner neighbourhood than their neighbours do.

    The density at a row is one over the mean reach of its k nearest neighbours,

    .. math:: \rho(x) = 1 \Big/ \frac 1k \sum_{o \in N_k(x)} \max(d_k(o), d(x, o))

    with :math:`d_k(o)` the distance from o to its own k-th neighbour, and the factor of the row is
    :math:`\frac 1k \sum_{o \in N_k(x)} \rho(o) / \rho(x)`: about 1 within a group of whatever
    density, larger outside.

    Parameters
    ----------
    n_neighbors : int, default=20
        Neighbours, at least 1; all other rows where there are fewer.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        How neighbours are found, see :class:`NearestNeighbors`.
    leaf_size : int, default=30
        Most rows in a leaf; it changes speed and memory, never results.
    metric : str, callable or DistanceMetric, default="minkowski"
        The distance, see :class:`NearestNeighbors`.
    p : float, default=2
        Power of "minkowski".
    metric_params : dict, default=None
        Further parameters of the metric.
    contamination : "auto" or float, default="auto"
        Share of outliers in the data (above 0, to 0.5), which sets ``offset_``; "auto" takes -1.5.
    novelty : bool, default=False
        Whether new rows are scored, by ``predict``, ``decision_function`` and ``score_samples``,
        instead of the fitted ones by ``fit_predict``.
    n_jobs : int, default=None
        Threads; None means those of :class:`smelt.config`.  Results do not depend on it.

    Attributes
    ----------
    negative_outlier_factor_ : ndarray of shape (n_samples,)
        Minus the factors of the fitted rows.
    n_neighbors_ : int
        Neighbours in use.
    offset_ : float
        Rows with a lower score are outliers.
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
        Where X holds NaN or infinity, or the metric does not go with the algorithm.

    See Also
    --------
    smelt.ensemble.IsolationForest : Faster where rows are many, blind to density within groups.

    Notes
    -----
    Cost: that of finding the neighbours of all rows, and two look-ups a neighbour.  Sums are
    float64, scores float32 where X is.

    References
    ----------
    Breunig, Kriegel, Ng and Sander (2000), LOF: identifying density-based local outliers.

    Examples
    --------
    >>> from smelt.neighbors import LocalOutlierFactor
    >>> model = LocalOutlierFactor(n_neighbors=2)
    >>> model.fit_predict([[-1.1], [0.2], [101.1], [0.3]])
    array([ 1,  1, -1,  1])
    >>> model.negative_outlier_factor_.round(2)
    array([ -0.98,  -1.04, -73.37,  -0.98])
    """

    _index: Any

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None) -> LocalOutlierFactor:
        """Find the neighbours of all rows and compare densities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; distances between all pairs of them for ``metric="precomputed"``.
        y : None
            Not used.

        Returns
        -------
        self : LocalOutlierFactor
            The fitted model.
        """
        self._fit(X)
        n_samples = self.n_samples_fit_
        if self.n_neighbors > n_samples:
            warnings.warn(
                f"n_neighbors ({self.n_neighbors}) is greater than the total number of samples "
                f"({n_samples}). n_neighbors will be set to (n_samples - 1) for estimation.",
                stacklevel=2,
            )
        self.n_neighbors_ = max(1, min(self.n_neighbors, n_samples - 1))
        distances, ids = self.kneighbors(n_neighbors=self.n_neighbors_)
        dtype = np.float32 if self._fit_X.dtype == np.float32 else np.float64
        self._distances_fit_X_ = distances.astype(dtype, copy=False)
        density = self._density(distances, ids, distances[:, -1])
        self._lrd = density.astype(dtype, copy=False)
        factors = self._factors(density, ids, density)
        self.negative_outlier_factor_ = -factors.astype(dtype, copy=False)
        self.offset_ = -1.5
        if self.contamination != "auto":
            share = 100.0 * self.contamination
            self.offset_ = np.percentile(self.negative_outlier_factor_, share)
        if self.negative_outlier_factor_.min() < -1e7 and not self.novelty:
            warnings.warn(
                "Duplicate values are leading to incorrect results. Increase the number of "
                "neighbors for more accurate results.",
                stacklevel=2,
            )
        return self

    @available_if(_tells_new_rows)
    def score_samples(self, X: Any) -> Any:
        """Return minus the factors of new rows; the lower, the more of an outlier.

        A fitted row among them counts as its own neighbour.  Only with ``novelty=True``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_queries,)
            Scores, float32 where X is.
        """
        check_is_fitted(self)
        distances, ids = self.kneighbors(X, n_neighbors=self.n_neighbors_)
        density = self._density(distances, ids, self._distances_fit_X_[:, -1])
        scores = -self._factors(density, ids, self._lrd)
        return scores.astype(np.float32) if getattr(X, "dtype", None) == np.float32 else scores

    def _density(self, distances: Any, ids: Any, kth_distance: Any) -> Any:
        fit = kernel("neighbors.local_outlier_factor_fit", n_jobs=self.n_jobs)
        return fit(as_doubles(distances), as_rows(ids), as_doubles(kth_distance))

    def _factors(self, density: Any, ids: Any, density_of_rows: Any) -> Any:
        score = kernel("neighbors.local_outlier_factor_score", n_jobs=self.n_jobs)
        return score(density, as_rows(ids), as_doubles(density_of_rows))


def as_rows(ids: Any) -> Any:
    """Return numbers of rows as the kernels take them."""
    return np.ascontiguousarray(ids, dtype=np.int64)
