"""t-SNE."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.metrics.pairwise import _VALID_METRICS, pairwise_distances
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_non_negative, validate_data

from smelt._kernel import kernel
from smelt._validate import canonical
from smelt.decomposition import PCA
from smelt.neighbors import NearestNeighbors
from smelt.neighbors._index import as_doubles, free_memory

#: Steps of the stage that exaggerates the attraction.
_EXPLORATION = 250


class TSNE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""A picture of high-dimensional rows: neighbours stay neighbours (t-SNE).

    .. math::
        \min_Y \sum_{i \ne j} p_{ij} \ln \frac{p_{ij}}{q_{ij}}, \quad
        q_{ij} \propto \Bigl(1 + \frac{\|y_i - y_j\|^2}{\nu}\Bigr)^{-\frac{\nu + 1}{2}}

    with :math:`\nu = \max(1, n_\text{components} - 1)`, and probabilities p from Gaussians about
    each row as wide as ``perplexity`` asks for, over its 3 · ``perplexity`` nearest rows.

    Gradient descent with momentum and gains, 250 steps of it with exaggerated attraction.  It ends
    after ``max_iter`` steps, ``n_iter_without_progress`` steps without progress, or where the
    norm of the gradient is at most ``min_grad_norm``; both are looked at every 50 steps.

    Parameters
    ----------
    n_components : int >= 1, default=2
        Columns of the embedding; at most 3 unless ``method`` is "exact".
    perplexity : float in (0, n_samples), default=30.0
        About how many neighbours a row has.
    early_exaggeration : float >= 1, default=12.0
        Factor of the attraction in the first 250 steps.
    learning_rate : float > 0 or "auto", default="auto"
        Length of the steps; "auto" is ``n_samples / early_exaggeration / 4`` in the first stage and
        ``n_samples / 4`` in the second, where nothing is exaggerated, and at least 50.
    max_iter : int >= 250, default=1000
        Most steps.
    n_iter_without_progress : int >= -1, default=300
        Steps without progress after which the second stage ends.
    min_grad_norm : float >= 0, default=1e-7
        Norm of the gradient at which a stage ends.
    metric : str or callable, default="euclidean"
        Distance between rows: any that ``smelt.neighbors.NearestNeighbors`` knows, or
        "precomputed".
    metric_params : dict, default=None
        Keywords of the metric.
    init : {"pca", "random"} or ndarray of shape (n_samples, n_components), default="pca"
        Where the descent starts.
    verbose : int, default=0
        1 says how far the divergence came, 2 also at every look.
    random_state : int, RandomState instance or None, default=None
        Seed of "random", and of "pca" where its solver draws.
    method : {"barnes_hut", "exact"}, default="barnes_hut"
        "barnes_hut" counts far rows as one, in O(n log n); "exact" looks at all pairs.
    angle : float in [0, 1], default=0.5
        How large a cell of far rows may look, seen from a row; 0 is exact.
    n_jobs : int, default=None
        Threads; None means all that smelt may use.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_samples, n_components)
        The picture.
    kl_divergence_ : float
        Divergence at the last look.
    learning_rate_ : float
        Length of the steps in the first stage.
    n_iter_ : int
        Last step.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where X holds NaN or infinity, a parameter lies outside its range, or the embedding flies
        apart because ``learning_rate`` is too high.
    MemoryError
        Where "exact" would need more memory than there is.

    See Also
    --------
    trustworthiness : How far neighbours in the picture are neighbours in the data.

    Notes
    -----
    A step costs about 180 n attractions and 400 n repulsions; "exact" costs n², in time and in
    memory.  Neighbours are exact.  The same seed gives the same bits on any number of threads.
    Deviations from scikit-learn: "auto" lengthens the steps of the second stage (of explicit rates
    both stages have the same), which comes to a lower divergence; with three columns or more the
    gradient is that of the divergence, where scikit-learn's has another power of the distance;
    groups of rows share a walk through the tree, at smaller errors; precisions of the Gaussians
    are found to ten digits.

    References
    ----------
    van der Maaten and Hinton (2008), Visualizing data using t-SNE.  van der Maaten (2014),
    Accelerating t-SNE using tree-based algorithms.  Belkina et al. (2019), Automated optimized
    parameters for t-distributed stochastic neighbor embedding.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.manifold import TSNE
    >>> X = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    >>> TSNE(perplexity=2, init="random", random_state=0).fit_transform(X).shape
    (4, 2)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "perplexity": [Interval(Real, 0, None, closed="neither")],
        "early_exaggeration": [Interval(Real, 1, None, closed="left")],
        "learning_rate": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 250, None, closed="left")],
        "n_iter_without_progress": [Interval(Integral, -1, None, closed="left")],
        "min_grad_norm": [Interval(Real, 0, None, closed="left")],
        "metric": [StrOptions(set(_VALID_METRICS) | {"precomputed"}), callable],
        "metric_params": [dict, None],
        "init": [StrOptions({"pca", "random"}), np.ndarray],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "method": [StrOptions({"barnes_hut", "exact"})],
        "angle": [Interval(Real, 0, 1, closed="both")],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        n_components: int = 2,
        *,
        perplexity: float = 30.0,
        early_exaggeration: float = 12.0,
        learning_rate: float | str = "auto",
        max_iter: int = 1000,
        n_iter_without_progress: int = 300,
        min_grad_norm: float = 1e-7,
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        init: Any = "pca",
        verbose: int = 0,
        random_state: Any = None,
        method: str = "barnes_hut",
        angle: float = 0.5,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.perplexity = perplexity
        self.early_exaggeration = early_exaggeration
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.n_iter_without_progress = n_iter_without_progress
        self.min_grad_norm = min_grad_norm
        self.metric = metric
        self.metric_params = metric_params
        self.init = init
        self.verbose = verbose
        self.random_state = random_state
        self.method = method
        self.angle = angle
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None) -> TSNE:
        """Embed the rows of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; or distances of shape (n_samples, n_samples) where ``metric`` is "precomputed",
            unless ``method`` is "exact" also a sparse graph of them.
        y : None
            Ignored.

        Returns
        -------
        self : TSNE
            The fitted estimator.
        """
        X = self._validated(X)
        random_state = check_random_state(self.random_state)
        n = X.shape[0]
        rates = self._learning_rates(n)
        P = self._all_pairs(X) if self.method == "exact" else self._nearest_pairs(X)
        start = self._start(X, random_state)
        name = "tsne_fit_exact" if self.method == "exact" else "tsne_fit"
        fit = kernel(f"manifold.{name}", n_jobs=self.n_jobs)(
            P,
            as_doubles(start),
            early_exaggeration=float(self.early_exaggeration),
            exploration_iter=_EXPLORATION,
            max_iter=int(self.max_iter),
            learning_rates=rates,
            n_iter_without_progress=int(self.n_iter_without_progress),
            min_grad_norm=float(self.min_grad_norm),
            angle=float(self.angle),
        )
        self.learning_rate_ = rates[0]
        self.embedding_ = fit["embedding"].astype(start.dtype, copy=False)
        self.kl_divergence_, self.n_iter_ = float(fit["kl_divergence"]), int(fit["n_iter"])
        self._report(fit["history"])
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Embed the rows of X, and return the picture.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            As for ``fit``.
        y : None
            Ignored.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            ``embedding_``.
        """
        return self.fit(X).embedding_

    def _validated(self, X: Any) -> Any:
        is_exact = self.method == "exact"
        X = validate_data(
            self,
            X,
            accept_sparse=["csr", "csc", "coo"] if is_exact else ["csr"],
            ensure_min_samples=1 if is_exact else 2,
            dtype=[np.float32, np.float64],
        )
        if self.perplexity >= X.shape[0]:
            raise ValueError(
                f"perplexity ({self.perplexity}) must be less than n_samples ({X.shape[0]})"
            )
        if self.metric == "precomputed":
            if isinstance(self.init, str) and self.init == "pca":
                raise ValueError(
                    'The parameter init="pca" cannot be used with metric="precomputed".'
                )
            if X.shape[0] != X.shape[1]:
                raise ValueError("X should be a square distance matrix")
            check_non_negative(
                X,
                "TSNE.fit(). With metric='precomputed', X should contain positive distances.",
            )
            if is_exact and sp.issparse(X):
                raise TypeError(
                    'TSNE with method="exact" does not accept sparse precomputed distance matrix. '
                    'Use method="barnes_hut" or provide the dense distance matrix.'
                )
        if not is_exact and self.n_components > 3:
            raise ValueError(
                "'n_components' should be inferior to 4 for the barnes_hut algorithm as it relies "
                "on quad-tree or oct-tree."
            )
        return X if sp.issparse(X) else canonical(X)

    def _learning_rates(self, n: int) -> tuple[float, float]:
        if self.learning_rate == "auto":
            return max(n / self.early_exaggeration / 4, 50.0), max(n / 4, 50.0)
        return float(self.learning_rate), float(self.learning_rate)

    def _all_pairs(self, X: Any) -> Any:
        """Return the joint probabilities of all pairs."""
        n = X.shape[0]
        needed, free = 3 * 8 * n * n, free_memory()
        if free is not None and needed > free:
            raise MemoryError(
                f"method='exact' holds all pairs of {n} rows: {needed / 2**30:.1f} GiB, and "
                f"{free / 2**30:.1f} GiB are free. Use method='barnes_hut'."
            )
        if self.metric == "precomputed":
            distances = as_doubles(X)
        elif self.metric == "euclidean":
            distances = pairwise_distances(X, metric="euclidean", squared=True)
        else:
            params = self.metric_params or {}
            distances = pairwise_distances(X, metric=self.metric, n_jobs=self.n_jobs, **params)
        if (distances < 0).any():
            raise ValueError("All distances should be positive, the metric given is not correct")
        if self.metric != "euclidean":
            distances = distances**2
        affinities = kernel("manifold.tsne_affinities_exact", n_jobs=self.n_jobs)
        return affinities(as_doubles(distances), float(self.perplexity))

    def _nearest_pairs(self, X: Any) -> Any:
        """Return the joint probabilities of nearest rows, as sparse arrays."""
        n = X.shape[0]
        k = min(n - 1, int(3.0 * self.perplexity + 1))
        if self.verbose:
            print(f"[t-SNE] Computing {k} nearest neighbors...")
        near = NearestNeighbors(
            n_neighbors=k,
            metric=self.metric,
            metric_params=self.metric_params,
            n_jobs=self.n_jobs,
        )
        distances, neighbors = near.fit(X).kneighbors()
        affinities = kernel("manifold.tsne_affinities", n_jobs=self.n_jobs)
        found = affinities(
            as_doubles(distances**2),
            np.ascontiguousarray(neighbors, dtype=np.int64),
            float(self.perplexity),
        )
        return found["indptr"], found["indices"], found["data"], n

    def _start(self, X: Any, random_state: Any) -> Any:
        """Return where the descent starts; its dtype is that of the embedding."""
        shape = (X.shape[0], self.n_components)
        if isinstance(self.init, np.ndarray):
            if self.init.shape != shape:
                raise ValueError(
                    f"init should be an array of shape {shape}, got one of shape {self.init.shape}"
                )
            start = self.init if self.init.dtype in (np.float32, np.float64) else None
            start = self.init.astype(np.float64) if start is None else start
            if not np.isfinite(start).all():
                raise ValueError("init contains NaN or infinity.")
            return start
        if self.init == "random":
            drawn = 1e-4 * random_state.standard_normal(size=shape)
            return drawn.astype(np.float32)
        pca = PCA(n_components=self.n_components, random_state=random_state)
        pca.set_output(transform="default")
        start = pca.fit_transform(X)
        largest = np.abs(start).max()
        if largest > 0:  # squares of tiny and of huge numbers leave their range
            start = start / largest
            start *= 1e-4 / start[:, 0].std()
        return start.astype(np.float32, copy=False)

    def _report(self, history: Any) -> None:
        if self.verbose >= 2:
            for step, error, norm in history:
                print(f"[t-SNE] Iteration {step}: error = {error:.7f}, gradient norm = {norm:.7f}")
        if self.verbose:
            print(
                f"[t-SNE] KL divergence after {self.n_iter_ + 1} iterations:"
                f" {self.kl_divergence_:f}"
            )

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.input_tags.sparse = True
        return tags
