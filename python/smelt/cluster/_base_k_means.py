"""What k-means and its mini-batch variant share: parameters, starts, prediction."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _is_arraylike_not_scalar

from smelt._kernel import kernel
from smelt._validate import sparse_arrays, validate_predict, validate_weight


class BaseKMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """Base of clusterers whose clusters are the rows nearest to a centre."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"k-means++", "random"}), callable, "array-like"],
        "n_init": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    n_clusters: int
    init: Any
    n_init: Any
    cluster_centers_: np.ndarray
    labels_: np.ndarray
    _n_features_out: int

    def _number_of_starts(self, X: Any, if_random: int) -> int:
        """Check ``n_clusters`` and ``init`` against X; how many starts there are."""
        if X.shape[0] < self.n_clusters:
            raise ValueError(f"n_samples={X.shape[0]} should be >= n_clusters={self.n_clusters}.")
        given = _is_arraylike_not_scalar(self.init)
        if self.n_init != "auto":
            if given and self.n_init != 1:
                warnings.warn(
                    "Explicit initial center position passed: performing only"
                    f" one init in {type(self).__name__} instead of n_init={self.n_init}.",
                    RuntimeWarning,
                    stacklevel=3,
                )
                return 1
            return int(self.n_init)
        is_plus_plus = isinstance(self.init, str) and self.init == "k-means++"
        return 1 if given or is_plus_plus else if_random

    def _given_centers(self, X: Any) -> np.ndarray | None:
        """Return the centres that ``init`` is, if it is an array."""
        if not _is_arraylike_not_scalar(self.init):
            return None
        centers = check_array(self.init, dtype=X.dtype, copy=True, order="C")
        self._check_shape(X, centers)
        return centers

    def _check_shape(self, X: Any, centers: np.ndarray) -> None:
        if centers.shape[0] != self.n_clusters:
            raise ValueError(
                f"The shape of the initial centers {centers.shape} does not "
                f"match the number of clusters {self.n_clusters}."
            )
        if centers.shape[1] != X.shape[1]:
            raise ValueError(
                f"The shape of the initial centers {centers.shape} does not "
                f"match the number of features of the data {X.shape[1]}."
            )

    def _called_centers(self, X: Any, random_state: Any) -> np.ndarray:
        """Return the centres that ``init``, a function, gives for X."""
        centers = self.init(X, self.n_clusters, random_state=random_state)
        centers = check_array(centers, dtype=X.dtype, copy=False, order="C")
        self._check_shape(X, centers)
        return centers

    def _random_rows(self, X: Any, weight: Any, random_state: Any) -> np.ndarray:
        """Return different rows of X, drawn by weight."""
        weight = np.ones(X.shape[0], dtype=X.dtype) if weight is None else weight.astype(X.dtype)
        share = weight / weight.sum()
        rows = random_state.choice(X.shape[0], size=self.n_clusters, replace=False, p=share)
        return dense(X[rows])

    @property
    def _n_trials(self) -> int:
        return 2 + int(np.log(self.n_clusters))

    @property
    def _n_draws(self) -> int:
        return 1 + (self.n_clusters - 1) * self._n_trials

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        """Fit, and return the label of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to cluster.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            ``labels_``.
        """
        return self.fit(X, sample_weight=sample_weight).labels_  # type: ignore[attr-defined,no-any-return]

    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        """Fit, and return the distances of the rows to all centres.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to cluster.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        ndarray of shape (n_samples, n_clusters)
            Distances.
        """
        return self.fit(X, sample_weight=sample_weight).transform(X)  # type: ignore[attr-defined,no-any-return]

    def predict(self, X: Any) -> np.ndarray:
        """Return the index of the nearest centre of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels, int32.
        """
        X = validate_predict(self, X, accept_sparse="csr")
        return self._nearest(X)["labels"]  # type: ignore[no-any-return]

    def transform(self, X: Any) -> np.ndarray:
        """Return the distance of each row to each centre.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_clusters)
            Distances.
        """
        from sklearn.metrics.pairwise import euclidean_distances

        X = validate_predict(self, X, accept_sparse="csr")
        return euclidean_distances(X, self.cluster_centers_)  # type: ignore[no-any-return]

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the negative weighted sum of squared distances to the nearest centres.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            Negative inertia: the greater the better.
        """
        X = validate_predict(self, X, accept_sparse="csr")
        weight = validate_weight(sample_weight, X, allow_negative=True)
        return -float(self._nearest(X, weight)["inertia"])

    def _nearest(self, X: Any, weight: Any = None) -> dict[str, Any]:
        centers = self.cluster_centers_
        if X.dtype != centers.dtype:
            X, centers = X.astype(np.float64), centers.astype(np.float64)
        name, X = arranged("cluster.k_means_predict", X)
        return kernel(name)(X, centers, weight)  # type: ignore[no-any-return]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def dense(X: Any) -> np.ndarray:
    """Return X as an array."""
    return X.toarray() if sp.issparse(X) else X  # type: ignore[no-any-return]


def arranged(name: str, X: Any) -> tuple[str, Any]:
    """Return the name of the kernel for X, and X as that kernel takes it."""
    return (f"{name}_sparse", sparse_arrays(X)) if sp.issparse(X) else (name, X)
