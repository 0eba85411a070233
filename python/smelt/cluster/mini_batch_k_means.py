"""k-means on mini-batches."""

from __future__ import annotations

import math
import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import validate_data

from smelt._kernel import kernel
from smelt._validate import FLOATS, canonical, validate_weight
from smelt.cluster._base_k_means import BaseKMeans, arranged, dense


class MiniBatchKMeans(BaseKMeans):
    r"""k-means whose centres move after every small batch of drawn rows.

    .. math:: c_j \leftarrow \frac{n_j c_j + \sum_{i \in B_j} s_i x_i}{n_j + \sum_{i \in B_j} s_i}

    with B_j the rows of the batch that are nearest to centre j and n_j the weight it has seen.
    The batches end when their smoothed inertia has not improved for a while.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters k, at most the number of rows.
    init : {"k-means++", "random"}, callable or array-like of shape (n_clusters, n_features)
        The start, by default "k-means++", made from ``init_size`` drawn rows: see `KMeans`.
    max_iter : int, default=100
        Most batches, in readings of all rows.
    batch_size : int, default=1024
        Rows of a batch.
    verbose : int, default=0
        Whether to print the course.
    compute_labels : bool, default=True
        Whether to label all rows in the end.
    random_state : int, RandomState instance or None, default=None
        Seed of the start, the batches and reassignments.
    tol : float, default=0.0
        Batches also end when the squared moves of the centres sum to at most ``tol`` times the mean
        variance of the columns; 0 means never.
    max_no_improvement : int or None, default=10
        Batches in a row without improvement of the smoothed inertia, after which to end.
    init_size : int or None, default=None
        Rows drawn for the start; None means 3 batches, or ``3 * n_clusters`` where that is more.
    n_init : "auto" or int, default="auto"
        Number of starts, of which the best on ``init_size`` drawn rows goes on.  "auto" means 3 for
        "random" and callables, else 1.
    reassignment_ratio : float, default=0.01
        Centres that have seen less than this share of what the busiest has are put at drawn rows.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        Centres, of X's dtype.
    labels_ : ndarray of shape (n_samples,)
        Index of each row's centre, int32; only with ``compute_labels``.
    inertia_ : float
        Weighted sum of squared distances of the rows to their centres; without ``compute_labels``
        the smoothed inertia of the batches times the weight of all rows.
    n_iter_ : int
        Readings of all rows that the batches amount to, rounded up.
    n_steps_ : int
        Number of batches.
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
    Cost of a batch of b rows: ``2 * b * k * d`` flops, whatever the number of rows.

    Deviations from scikit-learn: sums are kept in float64 also for float32 X.

    References
    ----------
    Sculley (2010), "Web-scale k-means clustering".

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.cluster import MiniBatchKMeans
    >>> X = np.array([[1.0, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> model = MiniBatchKMeans(n_clusters=2, random_state=0, batch_size=6).fit(X)
    >>> len(set(model.predict(X)))
    2
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseKMeans._parameter_constraints,
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "compute_labels": ["boolean"],
        "max_no_improvement": [Interval(Integral, 0, None, closed="left"), None],
        "init_size": [Interval(Integral, 1, None, closed="left"), None],
        "reassignment_ratio": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        max_iter: int = 100,
        batch_size: int = 1024,
        verbose: int = 0,
        compute_labels: bool = True,
        random_state: Any = None,
        tol: float = 0.0,
        max_no_improvement: int | None = 10,
        init_size: int | None = None,
        n_init: Any = "auto",
        reassignment_ratio: float = 0.01,
    ):
        self.n_clusters = n_clusters
        self.init = init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.verbose = verbose
        self.compute_labels = compute_labels
        self.random_state = random_state
        self.tol = tol
        self.max_no_improvement = max_no_improvement
        self.init_size = init_size
        self.n_init = n_init
        self.reassignment_ratio = reassignment_ratio

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> MiniBatchKMeans:
        """Cluster the rows of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to cluster; float32 stays float32.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Weights of the rows: how often they are drawn.

        Returns
        -------
        MiniBatchKMeans
            The fitted estimator itself.
        """
        X = self._rows(X, reset=True)
        n_starts = self._number_of_starts(X, if_random=3)
        n_samples = X.shape[0]
        batch_size = min(self.batch_size, n_samples)
        init_size = self._size_of_start(n_samples, batch_size)
        tolerance = self.tol * _mean_variance(X) if self.tol > 0 else 0.0
        random_state = check_random_state(self.random_state)
        weight = validate_weight(sample_weight, X, allow_negative=True)

        tested = random_state.randint(0, n_samples, init_size)
        centers, lowest = None, math.inf
        for start in range(n_starts):
            if self.verbose:
                print(f"Init {start + 1}/{n_starts} with method {self.init}")
            self.cluster_centers_ = self._start(X, weight, init_size, random_state)
            found = self._nearest(X[tested], None if weight is None else weight[tested])
            if self.verbose:
                print(f"Inertia for init {start + 1}/{n_starts}: {found['inertia']}")
            if centers is None or found["inertia"] < lowest:
                centers, lowest = self.cluster_centers_, found["inertia"]
        assert centers is not None

        self._counts = np.zeros(self.n_clusters)
        self._n_since_last_reassign = 0
        name, arrays = arranged("cluster.mini_batch_k_means_fit_step", X)
        draw = _drawer(weight, n_samples, batch_size, random_state)
        stop = _Stop(self, n_samples, batch_size, tolerance)
        step = 0
        for step in range((self.max_iter * n_samples) // batch_size):
            rows = draw()
            moved, inertia = self._step(name, arrays, X, rows, None, centers, random_state)
            change = float(((moved - centers) ** 2).sum()) if tolerance > 0 else 0.0
            centers = moved
            if stop.now(step, change, inertia):
                break
        self.cluster_centers_ = centers
        self._n_features_out = len(centers)
        self.n_steps_ = step + 1
        self.n_iter_ = math.ceil((step + 1) * batch_size / n_samples)
        if self.compute_labels:
            self._label(X, weight)
        else:
            total = n_samples if weight is None else weight.sum()
            self.inertia_ = float((stop.smoothed or 0.0) * total)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> MiniBatchKMeans:
        """Take the rows of X as one batch.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The batch.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Weights of the rows.

        Returns
        -------
        MiniBatchKMeans
            The estimator itself.
        """
        started = hasattr(self, "cluster_centers_")
        X = self._rows(X, reset=not started)
        if started:
            X = X.astype(self.cluster_centers_.dtype, copy=False)
        weight = validate_weight(sample_weight, X, allow_negative=True)
        if not hasattr(self, "_random_state"):
            self._random_state = check_random_state(self.random_state)
        if not started:
            self._number_of_starts(X, if_random=3)
            size = self._size_of_start(X.shape[0], min(self.batch_size, X.shape[0]))
            self.cluster_centers_ = self._start(X, weight, size, self._random_state)
            self._n_features_out = self.n_clusters
        if not hasattr(self, "_counts"):
            self._counts = np.zeros(self.n_clusters)
            self._n_since_last_reassign = 0
        name, arrays = arranged("cluster.mini_batch_k_means_fit_step", X)
        rows = np.arange(X.shape[0], dtype=np.int64)
        self.cluster_centers_, _ = self._step(
            name, arrays, X, rows, weight, self.cluster_centers_, self._random_state
        )
        self.n_steps_ = getattr(self, "n_steps_", 0) + 1
        if self.compute_labels:
            self._label(X, weight)
        return self

    def _rows(self, X: Any, *, reset: bool) -> Any:
        return canonical(
            validate_data(self, X, accept_sparse="csr", dtype=list(FLOATS), order="C", reset=reset)
        )

    def _size_of_start(self, n_samples: int, batch_size: int) -> int:
        size = self.init_size
        if size is None:
            size = 3 * batch_size
            size = 3 * self.n_clusters if size < self.n_clusters else size
        elif size < self.n_clusters:
            warnings.warn(
                f"init_size={size} should be larger than n_clusters={self.n_clusters}. "
                "Setting it to min(3*n_clusters, n_samples)",
                RuntimeWarning,
                stacklevel=3,
            )
            size = 3 * self.n_clusters
        return min(size, n_samples)

    def _start(self, X: Any, weight: Any, size: int, random_state: Any) -> np.ndarray:
        """Return centres to begin with, from ``size`` drawn rows."""
        given = self._given_centers(X)
        if size < X.shape[0]:
            rows = random_state.randint(0, X.shape[0], size)
            X, weight = X[rows], None if weight is None else weight[rows]
        if given is not None:
            return given
        if callable(self.init):
            return np.array(self._called_centers(X, random_state))
        if self.init == "random":
            return self._random_rows(X, weight, random_state)
        name, arrays = arranged("cluster.k_means_init", X)
        chosen = kernel(name)(
            arrays,
            weight,
            random_state.random_sample(self._n_draws),
            n_clusters=int(self.n_clusters),
            n_trials=self._n_trials,
        )
        return np.ascontiguousarray(dense(X[chosen]))

    def _step(
        self,
        name: str,
        arrays: Any,
        X: Any,
        rows: np.ndarray,
        weight: Any,
        centers: np.ndarray,
        random_state: Any,
    ) -> tuple[np.ndarray, float]:
        """Take one batch; return the new centres and the inertia before."""
        self._n_since_last_reassign += len(rows)
        reassign = (self._counts == 0).any()
        if reassign or self._n_since_last_reassign >= 10 * self.n_clusters:
            self._n_since_last_reassign, reassign = 0, True
        step = kernel(name)(arrays, rows, weight, centers, self._counts)
        centers, counts = step["centers"], step["counts"]
        if reassign and self.reassignment_ratio > 0:
            low = counts < self.reassignment_ratio * counts.max()
            most = int(0.5 * len(rows))
            if low.sum() > 0.5 * len(rows):
                low[np.argsort(counts)[most:]] = False
            if low.any():
                chosen = random_state.choice(len(rows), replace=False, size=low.sum())
                if self.verbose:
                    print(f"[MiniBatchKMeans] Reassigning {low.sum()} cluster centers.")
                centers[low] = dense(X[rows[chosen]])
                counts[low] = counts[~low].min()
        self._counts = counts
        return centers, step["inertia"]

    def _label(self, X: Any, weight: Any) -> None:
        found = self._nearest(X, weight)
        self.labels_, self.inertia_ = found["labels"], found["inertia"]


class _Stop:
    """Smooths the inertia of the batches and says when to end."""

    def __init__(self, model: Any, n_samples: int, batch_size: int, tolerance: float):
        self.model, self.batch_size, self.tolerance = model, batch_size, tolerance
        self.share = min(batch_size * 2.0 / (n_samples + 1), 1)
        self.n_steps = (model.max_iter * n_samples) // batch_size
        self.smoothed: float | None = None
        self.lowest = math.inf
        self.waited = 0

    def now(self, step: int, change: float, inertia: float) -> bool:
        """Whether batch ``step`` was the last."""
        inertia /= self.batch_size
        place = f"step {step + 1}/{self.n_steps}"
        said = f"Minibatch {place}: mean batch inertia: {inertia}"
        if step == 0:  # the inertia of the start
            self._say(said)
            return False
        if self.smoothed is None:
            self.smoothed = inertia
        else:
            self.smoothed = self.smoothed * (1 - self.share) + inertia * self.share
        self._say(f"{said}, ewa inertia: {self.smoothed}")
        if self.tolerance > 0 and change <= self.tolerance:
            self._say(f"Converged (small centers change) at {place}")
            return True
        if self.smoothed < self.lowest:
            self.waited, self.lowest = 0, self.smoothed
        else:
            self.waited += 1
        limit = self.model.max_no_improvement
        if limit is not None and self.waited >= limit:
            self._say(f"Converged (lack of improvement in inertia) at {place}")
            return True
        return False

    def _say(self, text: str) -> None:
        if self.model.verbose:
            print(text)


def _drawer(weight: Any, n_samples: int, batch_size: int, random_state: Any) -> Any:
    """Return a function that draws a batch: the rows that scikit-learn draws."""
    ends = None
    if weight is not None:
        ends = np.cumsum(weight / weight.sum())
        ends /= ends[-1]

    def draw() -> np.ndarray:
        numbers = random_state.random_sample(batch_size)
        if ends is None:
            return (numbers * n_samples).astype(np.int64)  # type: ignore[no-any-return]
        return ends.searchsorted(numbers, side="right").astype(np.int64)

    return draw


def _mean_variance(X: Any) -> float:
    if sp.issparse(X):
        mean = np.asarray(X.mean(axis=0)).ravel()
        return float(np.mean(np.asarray(X.multiply(X).mean(axis=0)).ravel() - mean**2))
    return float(np.mean(np.var(X, axis=0)))
