"""Principal component analysis."""

from __future__ import annotations

import warnings
from math import lgamma
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.validation import validate_data

from smelt._kernel import kernel
from smelt._validate import FLOATS, canonical, sparse_arrays
from smelt.decomposition._base import PrincipalComponents, probes

_SOLVERS = {"auto", "full", "covariance_eigh", "arpack", "randomized"}


class PCA(PrincipalComponents):
    r"""Orthogonal directions along which the data vary most.

    .. math:: \max_{V^\top V = I} \; \operatorname{tr}\; V^\top (X - \bar x)^\top (X - \bar x) \, V

    Tall data are read once: means and cross products in one pass, then the eigenvectors of the
    covariance.  A few components of wide data come from a block Krylov space.

    Parameters
    ----------
    n_components : int, float, "mle" or None, default=None
        Components kept.  In (0, 1): as many as explain more than this share of the variance.
        "mle": Minka's estimate of the dimension.  None: all, that is ``min(n_samples, n_features)``
        (one less with "arpack").
    copy : bool, default=True
        Accepted for scikit-learn's sake; X is never changed.
    whiten : bool, default=False
        Whether transformed data have unit variance along each component.
    svd_solver : {"auto", "full", "covariance_eigh", "arpack", "randomized"}, default="auto"
        "covariance_eigh": eigenvectors of the covariance.  "full": singular vectors of the centred
        data.  "randomized": a block Krylov space from random probes, as accurate as
        ``iterated_power`` power iterations.  "arpack": the same until the residuals vanish; the
        only one beside "covariance_eigh" that takes sparse data.  "auto" chooses as scikit-learn
        does: "covariance_eigh" for up to 1000 features and ten times as many samples, "full" up to
        a size of 500, "randomized" for fewer than 80 % of the components, else "full"; "arpack"
        for sparse data.
    tol : float, default=0.0
        Share of the largest variance at which residuals of "arpack" count as converged; 0 means
        rounding, as does everything below 1e-12.
    iterated_power : int or "auto", default="auto"
        Power iterations whose accuracy "randomized" reaches; "auto" is 7 for fewer components than
        a tenth of the shorter side, else 4.
    n_oversamples : int, default=10
        Probes of "randomized" and "arpack" beyond the number of components.
    power_iteration_normalizer : {"auto", "QR", "LU", "none"}, default="auto"
        Accepted for scikit-learn's sake; the Krylov basis is always orthonormal.
    random_state : int, RandomState instance or None, default=None
        Draws the probes of "randomized" and "arpack".

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Directions, by falling variance; the entry of largest magnitude is positive.
    explained_variance_ : ndarray of shape (n_components,)
        Variance along each, with ``n_samples - 1`` degrees of freedom.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        The same as shares of the whole variance.
    singular_values_ : ndarray of shape (n_components,)
        Norms of the transformed data, before whitening.
    mean_ : ndarray of shape (n_features,)
        Means of the columns.
    n_components_ : int
        Components kept.
    n_samples_ : int
        Rows of X.
    noise_variance_ : float
        Mean variance along the directions left out (probabilistic PCA, Tipping and Bishop 1999).
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where X holds NaN or infinity, or ``n_components`` does not go with X or the solver.
    TypeError
        Where X is sparse and the solver is "full" or "randomized".

    See Also
    --------
    TruncatedSVD : Without centring, for sparse data.
    IncrementalPCA : Batch by batch.

    Notes
    -----
    Cost: "covariance_eigh" ``n * d**2 / 2`` multiply-adds and one reading of X, then ``9 * d**3``;
    "randomized" five steps of ``4 * n * d * p`` flops at most, at the default power with p probes.

    Deviations from scikit-learn: "randomized" builds a Krylov space from scikit-learn's probes, so
    it captures at least as much variance in fewer passes, and small problems are solved exactly;
    cross products of float32 data are summed in float64; whitening with "full" divides as the other
    solvers do.

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning*, chapter 12.
    Minka (2000), Automatic choice of dimensionality for PCA.
    Musco and Musco (2015), Randomized block Krylov methods.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.decomposition import PCA
    >>> X = np.array([[-1.0, -1.0], [-2.0, -1.0], [-3.0, -2.0], [1.0, 1.0], [2.0, 1.0], [3.0, 2.0]])
    >>> PCA(n_components=2).fit(X).explained_variance_ratio_.round(4)
    array([0.9924, 0.0076])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [
            Interval(Integral, 0, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            StrOptions({"mle"}),
            None,
        ],
        "copy": ["boolean"],
        "whiten": ["boolean"],
        "svd_solver": [StrOptions(_SOLVERS)],
        "tol": [Interval(Real, 0, None, closed="left")],
        "iterated_power": [StrOptions({"auto"}), Interval(Integral, 0, None, closed="left")],
        "n_oversamples": [Interval(Integral, 1, None, closed="left")],
        "power_iteration_normalizer": [StrOptions({"auto", "QR", "LU", "none"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: Any = None,
        *,
        copy: bool = True,
        whiten: bool = False,
        svd_solver: str = "auto",
        tol: float = 0.0,
        iterated_power: Any = "auto",
        n_oversamples: int = 10,
        power_iteration_normalizer: str = "auto",
        random_state: Any = None,
    ):
        self.n_components = n_components
        self.copy = copy
        self.whiten = whiten
        self.svd_solver = svd_solver
        self.tol = tol
        self.iterated_power = iterated_power
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> PCA:
        """Find the components.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data; float32 stays float32.
        y : Ignored
            Present for the sake of scikit-learn's interface.

        Returns
        -------
        PCA
            The fitted estimator itself.
        """
        self._fit(X)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Find the components and project the data on them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data; float32 stays float32.
        y : Ignored
            Present for the sake of scikit-learn's interface.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Coordinates along the components.
        """
        return self._project(self._fit(X))

    def _fit(self, X: Any) -> Any:
        is_sparse = sp.issparse(X)
        if is_sparse and self.svd_solver not in ("auto", "arpack", "covariance_eigh"):
            raise TypeError(
                'PCA only support sparse inputs with the "arpack" and'
                f' "covariance_eigh" solvers, while "{self.svd_solver}" was passed. See'
                " TruncatedSVD for a possible alternative."
            )
        X = canonical(
            validate_data(
                self,
                X,
                dtype=list(FLOATS),
                accept_sparse=("csr", "csc"),
                ensure_all_finite=is_sparse,
            )
        )
        solver, n_components = self._solver(X.shape, is_sparse)
        self._fit_svd_solver = solver
        self._check(solver, n_components, X.shape)
        fit = self._run(X, solver, n_components)
        n_samples, n_features = X.shape
        freedom = max(n_samples - 1, 1)
        dtype = X.dtype
        variance = fit["squares"] / freedom
        total = fit["total"] / freedom
        short = min(n_samples, n_features)
        if solver in ("full", "covariance_eigh"):
            if n_components == "mle":
                n_components = _infer_dimension(variance, n_samples)
            elif 0 < n_components < 1:
                with np.errstate(divide="ignore", invalid="ignore"):
                    share = np.cumsum(variance / total)
                n_components = int(np.searchsorted(share, n_components, side="right")) + 1
            left = variance[n_components:]
            noise = left.mean() if n_components < short else 0.0
        else:
            left = short - n_components
            noise = max(total - variance.sum(), 0.0) / left if left else 0.0
        kept = slice(0, int(n_components))
        self.n_samples_ = n_samples
        self.n_components_ = int(n_components)
        self.mean_ = fit["mean"].astype(dtype)
        self.components_ = np.ascontiguousarray(fit["components"][kept], dtype=dtype)
        self.explained_variance_ = variance[kept].astype(dtype)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.explained_variance_ratio_ = (variance[kept] / total).astype(dtype)
        self.singular_values_ = np.sqrt(fit["squares"][kept]).astype(dtype)
        self.noise_variance_ = dtype.type(noise)
        return X

    def _run(self, X: Any, solver: str, n_components: Any) -> dict[str, Any]:
        """Call the kernel, which finds NaN and infinity on its way."""
        methods = {"full": "full", "covariance_eigh": "covariance"}
        params: dict[str, Any] = {
            "method": methods.get(solver, "leading"),
            "n_components": None,
            "n_iter": None,
            "tol": float(self.tol),
        }
        drawn = None
        if params["method"] == "leading":
            params["n_components"] = int(n_components)
            if solver == "randomized":
                n_iter = self.iterated_power
                if n_iter == "auto":
                    n_iter = 7 if n_components < 0.1 * min(X.shape) else 4
                params["n_iter"] = int(n_iter)
            drawn = probes(X.shape, n_components + self.n_oversamples, self.random_state)
        try:
            if sp.issparse(X):
                fit = kernel("decomposition.pca_fit_sparse")(
                    sparse_arrays(X.tocsr()), drawn, **params
                )
            else:
                fit = kernel("decomposition.pca_fit")(X, drawn, **params)
        except ValueError:
            assert_all_finite(
                X.data if sp.issparse(X) else X,
                input_name="X",
                estimator_name=type(self).__name__,
            )
            raise
        if not fit["converged"] and solver == "arpack":
            warnings.warn(
                "The components did not converge; a larger tol accepts less accurate ones.",
                ConvergenceWarning,
                stacklevel=4,
            )
        return fit  # type: ignore[no-any-return]

    def _solver(self, shape: tuple[int, int], is_sparse: bool) -> tuple[str, Any]:
        """Return the solver and the number of components asked for."""
        solver = self.svd_solver
        if solver == "auto" and is_sparse:
            solver = "arpack"
        n_components = self.n_components
        if n_components is None:
            n_components = min(shape) - (1 if solver == "arpack" else 0)
        if solver == "auto":
            if shape[1] <= 1000 and shape[0] >= 10 * shape[1]:
                solver = "covariance_eigh"
            elif max(shape) <= 500 or n_components == "mle":
                solver = "full"
            elif 1 <= n_components < 0.8 * min(shape):
                solver = "randomized"
            else:
                solver = "full"
        return solver, n_components

    def _check(self, solver: str, n_components: Any, shape: tuple[int, int]) -> None:
        """Refuse what scikit-learn refuses."""
        short = min(shape)
        if solver in ("full", "covariance_eigh"):
            if n_components == "mle":
                if shape[0] < shape[1]:
                    raise ValueError(
                        "n_components='mle' is only supported if n_samples >= n_features"
                    )
            elif not 0 <= n_components <= short:
                raise ValueError(
                    f"n_components={n_components} must be between 0 and "
                    f"min(n_samples, n_features)={short} with svd_solver={solver!r}"
                )
        elif isinstance(n_components, str):
            raise ValueError(
                f"n_components={n_components!r} cannot be a string with svd_solver='{solver}'"
            )
        elif not 1 <= n_components <= short:
            raise ValueError(
                f"n_components={n_components!r} must be between 1 and "
                f"min(n_samples, n_features)={short!r} with svd_solver='{solver}'"
            )
        elif solver == "arpack" and n_components == short:
            raise ValueError(
                f"n_components={n_components!r} must be strictly less than "
                f"min(n_samples, n_features)={short!r} with svd_solver='{solver}'"
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.sparse = self.svd_solver in ("auto", "arpack", "covariance_eigh")
        return tags


def _infer_dimension(variance: np.ndarray, n_samples: int) -> int:
    """Return the rank of greatest evidence (Minka 2000, equation 77)."""
    d = len(variance)
    best, found = -np.inf, 0
    log_uniform = 0.0
    for rank in range(1, d):
        half = (d - rank + 1) / 2.0
        log_uniform += lgamma(half) - np.log(np.pi) * half - np.log(2.0)
        kept = variance[:rank]
        if kept[-1] < 1e-15:
            break  # no rank above has evidence
        noise = max(1e-15, variance[rank:].sum() / (d - rank))
        n_free = d * rank - rank * (rank + 1) / 2.0
        # Curvature at the mode: one factor for each pair of a kept direction and a later one.
        inverse = 1.0 / np.concatenate([kept, np.full(d - rank, noise)])
        gaps = (kept[:, None] - variance) * (inverse - inverse[:rank, None])
        later = np.arange(d) > np.arange(rank)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            curvature = np.log(gaps[later]).sum() + later.sum() * np.log(n_samples)
        evidence = (
            log_uniform
            - n_samples / 2.0 * np.log(kept).sum()
            - n_samples * (d - rank) / 2.0 * np.log(noise)
            + (n_free + rank) / 2.0 * np.log(2.0 * np.pi)
            - curvature / 2.0
            - rank / 2.0 * np.log(n_samples)
        )
        if evidence > best:
            best, found = evidence, rank
    return found
