"""k-means."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import validate_data

from smelt._kernel import kernel
from smelt._validate import FLOATS, canonical, validate_weight
from smelt.cluster._base_k_means import BaseKMeans, arranged


class KMeans(BaseKMeans):
    r"""Clusters around centres: each row belongs to the nearest centre, each centre is a mean.

    .. math:: \min_{c_1, \dots, c_k} \; \sum_i s_i \, \min_j \lVert x_i - c_j \rVert^2

    Lloyd's steps from a greedy k-means++ start: label every row with its nearest centre, move
    every centre to the mean of its rows, until no label changes or the centres hardly move.
    Searches that the triangle inequality rules out are left out; labels are those of a full search.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters k, at most the number of rows.
    init : {"k-means++", "random"}, callable or array-like of shape (n_clusters, n_features)
        The start, by default "k-means++": rows far from all centres chosen so far are likely; of
        ``2 + log(k)`` drawn rows the one that helps most is taken.  "random": rows drawn by
        weight.  A callable gets ``X, n_clusters, random_state`` and returns centres.
    n_init : "auto" or int, default="auto"
        Number of starts, of which the one with the least inertia is kept.  "auto" means 10 for
        "random" and callables, else 1.
    max_iter : int, default=300
        Most steps of a start.
    tol : float, default=1e-4
        A start ends when the squared moves of the centres sum to at most ``tol`` times the mean
        variance of the columns.
    verbose : int, default=0
        Whether to print the inertia after each step, once the fit is done.
    random_state : int, RandomState instance or None, default=None
        Seed of the start; the rows drawn are scikit-learn's.
    copy_x : bool, default=True
        Accepted for scikit-learn's sake; X is never changed.
    algorithm : {"lloyd", "elkan"}, default="lloyd"
        Accepted for scikit-learn's sake; both give the same steps.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        Centres, of X's dtype.
    labels_ : ndarray of shape (n_samples,)
        Index of each row's centre, int32.
    inertia_ : float
        Weighted sum of squared distances of the rows to their centres.
    n_iter_ : int
        Steps of the start that was kept.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where X or the weights hold NaN or infinity or have the wrong shape, and where there are
        fewer rows than clusters.

    Notes
    -----
    Cost of a step: ``2 * n * k * d`` flops at first; once the centres have settled most rows are
    left out.  Memory: a copy of X and 12 (float32) or 24 bytes a row.  Where fewer different rows
    than clusters exist a ``ConvergenceWarning`` says so.

    Deviations from scikit-learn: sums are kept in float64 also for float32 X; among several empty
    clusters the first takes the farthest row.

    References
    ----------
    Lloyd (1982), "Least squares quantization in PCM".
    Arthur and Vassilvitskii (2007), "k-means++: the advantages of careful seeding".
    Hamerly (2010), "Making k-means even faster".

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.cluster import KMeans
    >>> X = np.array([[1.0, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> model = KMeans(n_clusters=2, random_state=0).fit(X)
    >>> model.labels_
    array([1, 1, 1, 0, 0, 0], dtype=int32)
    >>> model.cluster_centers_
    array([[10.,  2.],
           [ 1.,  2.]])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseKMeans._parameter_constraints,
        "copy_x": ["boolean"],
        "algorithm": [StrOptions({"lloyd", "elkan"})],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        n_init: Any = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        verbose: int = 0,
        random_state: Any = None,
        copy_x: bool = True,
        algorithm: str = "lloyd",
    ):
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> KMeans:
        """Cluster the rows of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to cluster; float32 stays float32.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Weights of the rows; they also steer a drawn start.

        Returns
        -------
        KMeans
            The fitted estimator itself.
        """
        X = canonical(validate_data(self, X, accept_sparse="csr", dtype=list(FLOATS), order="C"))
        n_starts = self._number_of_starts(X, if_random=10)
        if self.algorithm == "elkan" and self.n_clusters == 1:
            warnings.warn(
                "algorithm='elkan' doesn't make sense for a single cluster. Using 'lloyd' instead.",
                RuntimeWarning,
                stacklevel=2,
            )
        random_state = check_random_state(self.random_state)
        weight = validate_weight(sample_weight, X, allow_negative=True)
        starts = np.empty((0, X.shape[1]), dtype=X.dtype)
        draws = None
        given = self._given_centers(X)
        if given is not None:
            starts = given
        elif isinstance(self.init, str) and self.init == "k-means++":
            draws = random_state.random_sample(n_starts * self._n_draws)
        elif isinstance(self.init, str):
            rows = [self._random_rows(X, weight, random_state) for _ in range(n_starts)]
            starts = np.concatenate(rows)
        else:
            mean = 0 if sp.issparse(X) else X.mean(axis=0)
            moved = X if sp.issparse(X) else X - mean
            called = [self._called_centers(moved, random_state) for _ in range(n_starts)]
            starts = np.concatenate(called) + mean
        name, arrays = arranged("cluster.k_means_fit", X)
        fit = kernel(name)(
            arrays,
            weight,
            np.ascontiguousarray(starts, dtype=X.dtype),
            draws,
            n_clusters=int(self.n_clusters),
            n_init=n_starts,
            n_trials=self._n_trials,
            max_iter=int(self.max_iter),
            tol=float(self.tol),
            verbose=bool(self.verbose),
        )
        if self.verbose:
            _report(fit)
        if fit["n_distinct"] < self.n_clusters:
            warnings.warn(
                f"Number of distinct clusters ({fit['n_distinct']}) found smaller than "
                f"n_clusters ({self.n_clusters}). Possibly due to duplicate points in X.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.cluster_centers_ = fit["centers"]
        self._n_features_out = len(fit["centers"])
        self.labels_ = fit["labels"]
        self.inertia_ = fit["inertia"]
        self.n_iter_ = fit["n_iter"]
        return self


def _report(fit: dict[str, Any]) -> None:
    """Print what happened in each run."""
    for inertias, moved in fit["history"]:
        print("Initialization complete")
        for step, inertia in enumerate(inertias):
            print(f"Iteration {step}, inertia {inertia}.")
        last = len(inertias) - 1
        if moved == 0:
            print(f"Converged at iteration {last}: strict convergence.")
        elif moved <= fit["tolerance"]:
            print(
                f"Converged at iteration {last}: center shift {moved} within tolerance "
                f"{fit['tolerance']}."
            )
