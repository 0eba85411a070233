"""UMAP."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from scipy.optimize import curve_fit
from scipy.sparse.csgraph import connected_components
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.metrics.pairwise import _VALID_METRICS
from sklearn.preprocessing import normalize
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from smelt._kernel import kernel
from smelt._validate import canonical
from smelt.decomposition import PCA
from smelt.neighbors import NearestNeighbors
from smelt.neighbors._index import as_doubles

#: Rows up to which there are 500 epochs, and 100 for new rows; beyond 200 and 30.
_FEW = 10_000


class UMAP(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""A picture of a graph of neighbours, in which new rows can be placed (UMAP).

    .. math::
        \min_Y -\sum_{i \ne j} w_{ij} \ln q_{ij} + (1 - w_{ij}) \ln (1 - q_{ij}), \quad
        q_{ij} = \frac{1}{1 + a \|y_i - y_j\|^{2b}}

    Each row measures distances its own way, so that its nearest neighbour belongs to it fully and
    all ``n_neighbors`` together weigh their logarithm; w is the fuzzy union of what both rows of a
    pair say.  Stochastic gradient descent with ``n_epochs`` rounds: edges pull as often as their
    weight says, rows drawn by chance push.

    Parameters
    ----------
    n_neighbors : int >= 2, default=15
        Neighbours of a row, the row itself included.
    n_components : int >= 1, default=2
        Columns of the embedding.
    metric : str or callable, default="euclidean"
        Distance: any that ``smelt.neighbors.NearestNeighbors`` knows, or "precomputed".
    metric_kwds : dict, default=None
        Keywords of the metric.
    n_epochs : int >= 0, default=None
        Rounds; None means 500 up to 10,000 rows and 200 beyond.
    learning_rate : float > 0, default=1.0
        Length of the first steps.
    init : {"spectral", "pca", "random"} or ndarray, default="spectral"
        Where the rows start.  "spectral" of a graph that falls apart is "pca".
    min_dist : float in [0, spread], default=0.1
        How near rows may come in the picture.
    spread : float > 0, default=1.0
        How far clusters lie apart.
    n_jobs : int, default=None
        Threads; None means all that smelt may use.
    set_op_mix_ratio : float in [0, 1], default=1.0
        1 is the union of what two rows say of each other, 0 the intersection.
    local_connectivity : float >= 0, default=1.0
        Neighbours that belong to a row fully.
    repulsion_strength : float >= 0, default=1.0
        Weight of the pushes.
    negative_sample_rate : int >= 0, default=5
        Pushes a pull.
    a, b : float > 0, default=None
        The curve q; None fits it to ``min_dist`` and ``spread``.
    random_state : int, RandomState instance or None, default=None
        Seed of the start and of the draws.
    target_metric : {"categorical"}, default="categorical"
        Distance between targets.
    target_weight : float in [0, 1], default=0.5
        Where y is given: 0 looks at X only, 1 keeps classes apart.
    transform_seed : int, default=42
        Seed of the draws for new rows.
    verbose : bool, default=False
        Say what is done.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_samples, n_components)
        The picture, float32.
    graph_ : csr_array of shape (n_samples, n_samples)
        Weights of the edges.
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
    TSNE : Pictures by the divergence of probabilities.

    Notes
    -----
    An epoch costs about 6 n edges of ``negative_sample_rate`` + 2 powers.  Neighbours are exact.
    The same seed gives the same bits on any number of threads: in an epoch, all rows see the others
    where they were when it began.  A row of the data stays in its place in ``transform``, whatever
    rows come with it, and the place of a new row does not depend on the others.  Deviations from
    umap-learn: its parallel descent differs from run to run; a graph that falls apart starts from
    principal components, not from a picture of its parts; y are classes only, and neither other
    metrics between targets nor pictures on curved surfaces, densMAP and ``inverse_transform`` are
    offered.

    References
    ----------
    McInnes, Healy and Melville (2018), UMAP: uniform manifold approximation and projection for
    dimension reduction.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.manifold import UMAP
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> model = UMAP(n_neighbors=5, random_state=0).fit(X)
    >>> model.embedding_.shape, model.transform(X[:3] + 0.01).shape
    ((50, 2), (3, 2))
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_neighbors": [Interval(Integral, 2, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions(set(_VALID_METRICS) | {"precomputed"}), callable],
        "metric_kwds": [dict, None],
        "n_epochs": [Interval(Integral, 0, None, closed="left"), None],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "init": [StrOptions({"spectral", "pca", "random"}), np.ndarray],
        "min_dist": [Interval(Real, 0, None, closed="left")],
        "spread": [Interval(Real, 0, None, closed="neither")],
        "n_jobs": [None, Integral],
        "set_op_mix_ratio": [Interval(Real, 0, 1, closed="both")],
        "local_connectivity": [Interval(Real, 0, None, closed="left")],
        "repulsion_strength": [Interval(Real, 0, None, closed="left")],
        "negative_sample_rate": [Interval(Integral, 0, None, closed="left")],
        "a": [Interval(Real, 0, None, closed="neither"), None],
        "b": [Interval(Real, 0, None, closed="neither"), None],
        "random_state": ["random_state"],
        "target_metric": [StrOptions({"categorical"})],
        "target_weight": [Interval(Real, 0, 1, closed="both")],
        "transform_seed": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_neighbors: int = 15,
        n_components: int = 2,
        *,
        metric: Any = "euclidean",
        metric_kwds: dict[str, Any] | None = None,
        n_epochs: int | None = None,
        learning_rate: float = 1.0,
        init: Any = "spectral",
        min_dist: float = 0.1,
        spread: float = 1.0,
        n_jobs: int | None = None,
        set_op_mix_ratio: float = 1.0,
        local_connectivity: float = 1.0,
        repulsion_strength: float = 1.0,
        negative_sample_rate: int = 5,
        a: float | None = None,
        b: float | None = None,
        random_state: Any = None,
        target_metric: str = "categorical",
        target_weight: float = 0.5,
        transform_seed: int = 42,
        verbose: bool = False,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.n_components = n_components
        self.metric = metric
        self.metric_kwds = metric_kwds
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.init = init
        self.min_dist = min_dist
        self.spread = spread
        self.n_jobs = n_jobs
        self.set_op_mix_ratio = set_op_mix_ratio
        self.local_connectivity = local_connectivity
        self.repulsion_strength = repulsion_strength
        self.negative_sample_rate = negative_sample_rate
        self.a = a
        self.b = b
        self.random_state = random_state
        self.target_metric = target_metric
        self.target_weight = target_weight
        self.transform_seed = transform_seed
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None) -> UMAP:
        """Embed the rows of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; or distances of shape (n_samples, n_samples) where ``metric`` is "precomputed".
        y : array-like of shape (n_samples,), default=None
            Classes, -1 where unknown: edges between classes lose weight.  Numbers that are no
            classes are not looked at.

        Returns
        -------
        self : UMAP
            The fitted estimator.
        """
        X = validate_data(
            self, X, accept_sparse="csr", ensure_min_samples=2, dtype=[np.float32, np.float64]
        )
        X = X if sp.issparse(X) else canonical(X)
        if self.min_dist > self.spread:
            raise ValueError("min_dist must be less than or equal to spread")
        if self.metric == "precomputed" and X.shape[0] != X.shape[1]:
            raise ValueError("X should be a square distance matrix")
        random_state = check_random_state(self.random_state)
        self._curve = self._find_curve()
        self._rows = X
        self._say("neighbours")
        distances, neighbors = self._near(X).kneighbors()
        # The row itself is the first of its neighbours.
        distances = np.column_stack([np.zeros(len(distances)), distances])
        memberships = self._memberships(distances, self.local_connectivity)[:, 1:]
        graph = kernel("manifold.umap_graph", n_jobs=self.n_jobs)(
            np.ascontiguousarray(neighbors, dtype=np.int64),
            np.ascontiguousarray(memberships).ravel(),
            float(self.set_op_mix_ratio),
        )
        self._graph = (graph["indptr"], graph["indices"], graph["data"])
        if y is not None:
            self._heed_classes(y)
        self._say("start")
        start = self._start(X, random_state)
        self._say("descent")
        n = X.shape[0]
        few = 500 if n <= _FEW else 200
        self.embedding_ = self._descend(
            (*self._graph, n),
            start,
            None,
            np.arange(n, dtype=np.uint64),
            few if self.n_epochs is None else self.n_epochs,
            int(random_state.randint(2**31 - 1)),
        )
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Embed the rows of X, and return the picture.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            As for ``fit``.
        y : array-like of shape (n_samples,), default=None
            As for ``fit``.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            ``embedding_``.
        """
        return self.fit(X, y).embedding_

    def transform(self, X: Any) -> np.ndarray:
        """Place new rows in the picture.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; or their distances to the rows of ``fit`` where ``metric`` is "precomputed".

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Their places; that of a row of ``fit`` is where it was.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=[np.float32, np.float64])
        X = X if sp.issparse(X) else canonical(X)
        k = min(self.n_neighbors, len(self.embedding_))
        distances, neighbors = self._near(self._rows).kneighbors(X, k)
        weights = self._memberships(distances, max(0.0, self.local_connectivity - 1.0))
        n, k = weights.shape
        embedding = self.embedding_.astype(np.float64)
        start = np.einsum(
            "ij,ijd->id", weights / weights.sum(axis=1)[:, None], embedding[neighbors]
        )
        graph = (
            np.arange(0, n * k + 1, k, dtype=np.int64),
            np.ascontiguousarray(neighbors, dtype=np.int32).ravel(),
            # The nearest counts fully, so that no row depends on the others.
            (weights / weights.max(axis=1)[:, None]).ravel(),
            len(embedding),
        )
        few = 100 if len(embedding) <= _FEW else 30
        keys = np.ascontiguousarray(start).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        placed = self._descend(
            graph,
            start,
            embedding,
            np.bitwise_xor.reduce(keys, axis=1),
            few if self.n_epochs is None else self.n_epochs // 3,
            int(self.transform_seed),
        )
        known = distances[:, 0] == 0
        placed[known] = self.embedding_[neighbors[known, 0]]
        return placed

    @property
    def graph_(self) -> Any:
        """Weights of the edges."""
        check_is_fitted(self)
        indptr, indices, data = self._graph
        return sp.csr_array((data, indices, indptr), shape=(len(indptr) - 1,) * 2)

    def _say(self, what: str) -> None:
        if self.verbose:
            print(f"[UMAP] {what}")

    def _near(self, X: Any) -> NearestNeighbors:
        return NearestNeighbors(
            n_neighbors=min(self.n_neighbors, X.shape[0]) - 1,
            metric=self.metric,
            metric_params=self.metric_kwds,
            n_jobs=self.n_jobs,
        ).fit(X)

    def _memberships(self, distances: Any, local_connectivity: float) -> Any:
        memberships = kernel("manifold.umap_memberships", n_jobs=self.n_jobs)
        return memberships(as_doubles(distances), float(local_connectivity))

    def _heed_classes(self, y: Any) -> None:
        """Take weight from edges between classes, and let each row have a sure neighbour again."""
        y = column_or_1d(y)
        n = len(self._graph[0]) - 1
        if len(y) != n:
            raise ValueError(f"y has {len(y)} values for {n} rows")
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            raise ValueError("y contains NaN or infinity.")
        if type_of_target(y) not in ("binary", "multiclass"):
            return
        unknown = y == -1 if y.dtype.kind in "iuf" else np.zeros(n, dtype=bool)
        indptr, columns, weights = self._graph
        rows = np.repeat(np.arange(n), np.diff(indptr))
        far = 2.5 / (1.0 - self.target_weight) if self.target_weight < 1.0 else 1e12
        is_open = unknown[rows] | unknown[columns]
        weights = weights * np.where(
            is_open, np.exp(-1.0), np.where(y[rows] != y[columns], np.exp(-far), 1.0)
        )
        graph = sp.csr_array((weights, columns, indptr), shape=(n, n))
        graph = normalize(graph, norm="max")
        both = graph.multiply(graph.T)
        graph = sp.csr_array(graph + graph.T - both)
        graph.eliminate_zeros()
        graph.sort_indices()
        self._graph = (
            graph.indptr.astype(np.int64),
            graph.indices.astype(np.int32),
            np.ascontiguousarray(graph.data),
        )

    def _start(self, X: Any, random_state: Any) -> Any:
        """Return where the rows start: ten wide in each column, with a little noise."""
        shape = (X.shape[0], self.n_components)
        if isinstance(self.init, np.ndarray):
            if self.init.shape != shape:
                raise ValueError(
                    f"init should be an array of shape {shape}, got one of shape {self.init.shape}"
                )
            if not np.isfinite(self.init).all():
                raise ValueError("init contains NaN or infinity.")
            start = self.init.astype(np.float64)
        else:
            start = self._own_start(X, shape, random_state)
        largest = np.abs(start).max()
        start = start * (10.0 / largest) if largest > 0 else start
        start = start + 1e-4 * random_state.standard_normal(size=shape)
        low, high = start.min(axis=0), start.max(axis=0)
        return 10.0 * (start - low) / (high - low)

    def _own_start(self, X: Any, shape: tuple[int, int], random_state: Any) -> Any:
        init, n = self.init, shape[0]
        graph = (*self._graph, n)
        if init == "spectral" and n <= self.n_components + 1:
            init = "random"
        if init == "spectral":
            matrix = sp.csr_array((graph[2], graph[1], graph[0]), shape=(n, n))
            if connected_components(matrix, directed=False, return_labels=False) > 1:
                init = "pca"
        if init == "spectral":
            return kernel("manifold.umap_spectral", n_jobs=self.n_jobs)(graph, shape[1])
        is_possible = self.metric != "precomputed" and self.n_components <= min(X.shape)
        if init == "pca" and is_possible:
            pca = PCA(n_components=self.n_components, random_state=random_state)
            return pca.set_output(transform="default").fit_transform(X).astype(np.float64)
        if self.init == "pca":
            raise ValueError(
                'init="pca" needs rows, not distances, and n_components of at most '
                "min(n_samples, n_features)"
            )
        return random_state.uniform(-10.0, 10.0, size=shape)

    def _descend(
        self, graph: Any, start: Any, fixed: Any, keys: Any, n_epochs: int, seed: int
    ) -> Any:
        a, b = self._curve
        moved = kernel("manifold.umap_fit", n_jobs=self.n_jobs)(
            graph,
            as_doubles(start),
            np.empty((0, start.shape[1])) if fixed is None else fixed,
            keys,
            a=a,
            b=b,
            repulsion_strength=float(self.repulsion_strength),
            negative_sample_rate=int(self.negative_sample_rate),
            learning_rate=float(self.learning_rate),
            n_epochs=int(n_epochs),
            seed=seed,
        )
        return moved.astype(np.float32)

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = []  # float32 from whatever X
        return tags

    def _find_curve(self) -> tuple[float, float]:
        """Return a and b of the curve that comes nearest to ``min_dist`` and ``spread``."""
        if self.a is not None and self.b is not None:
            return float(self.a), float(self.b)
        x = np.linspace(0, 3 * self.spread, 300)
        y = np.where(x < self.min_dist, 1.0, np.exp(-(x - self.min_dist) / self.spread))
        (a, b), _ = curve_fit(lambda x, a, b: 1 / (1 + a * x ** (2 * b)), x, y)
        return float(a), float(b)
