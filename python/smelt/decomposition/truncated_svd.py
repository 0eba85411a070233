"""Truncated singular value decomposition."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.sparsefuncs import mean_variance_axis
from sklearn.utils.validation import check_is_fitted, validate_data

from smelt._kernel import kernel
from smelt._validate import FLOATS, canonical, sparse_arrays, validate_predict
from smelt.decomposition._base import LinearDecomposition, probes, product


class TruncatedSVD(LinearDecomposition):
    r"""The leading singular vectors of data that are not centred: latent semantic analysis.

    .. math:: X \approx U \operatorname{diag}(s) V^\top, \quad
        \min \lVert X - U \operatorname{diag}(s) V^\top \rVert_F

    A block Krylov space from random probes, then the exact decomposition of X within it.  Sparse
    data stay sparse.

    Parameters
    ----------
    n_components : int, default=2
        Singular vectors kept, in [1, n_features] ("arpack": fewer than the shorter side).
    algorithm : {"arpack", "randomized"}, default="randomized"
        "randomized": as accurate as ``n_iter`` power iterations or more.  "arpack": until the
        residuals vanish.
    n_iter : int, default=5
        Power iterations whose accuracy "randomized" reaches, in [0, inf).
    n_oversamples : int, default=10
        Probes beyond the number of components.
    power_iteration_normalizer : {"auto", "QR", "LU", "none"}, default="auto"
        Accepted for scikit-learn's sake; the Krylov basis is always orthonormal.
    random_state : int, RandomState instance or None, default=None
        Draws the probes.
    tol : float, default=0.0
        Share of the largest squared singular value at which residuals of "arpack" count as
        converged; 0 means rounding, as does everything below 1e-12.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Right singular vectors; the entry of largest magnitude in each is positive.
    explained_variance_ : ndarray of shape (n_components,)
        Variances of the transformed training data.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        The same as shares of the whole variance.
    singular_values_ : ndarray of shape (n_components,)
        Norms of the transformed training data, falling.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where X holds NaN or infinity or ``n_components`` is too large for it.

    See Also
    --------
    PCA : About the means.

    Notes
    -----
    Cost: ``4 * entries * p`` flops for each of four steps at the default power with p probes.

    Deviations from scikit-learn: ``n_components`` above the shorter side is refused with
    "randomized" too, where scikit-learn returns fewer; explained variances are those of a Krylov
    space, at least as large at the same ``n_iter``; small problems are solved exactly.

    References
    ----------
    Halko, Martinsson and Tropp (2011), Finding structure with randomness.
    Musco and Musco (2015), Randomized block Krylov methods.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> from smelt.decomposition import TruncatedSVD
    >>> X = sp.csr_matrix([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0], [1.0, 0.0, 2.0], [0.0, 3.0, 0.5]])
    >>> TruncatedSVD(n_components=2, random_state=0).fit(X).singular_values_.round(3)
    array([4.272, 3.158])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "algorithm": [StrOptions({"arpack", "randomized"})],
        "n_iter": [Interval(Integral, 0, None, closed="left")],
        "n_oversamples": [Interval(Integral, 1, None, closed="left")],
        "power_iteration_normalizer": [StrOptions({"auto", "QR", "LU", "none"})],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components: int = 2,
        *,
        algorithm: str = "randomized",
        n_iter: int = 5,
        n_oversamples: int = 10,
        power_iteration_normalizer: str = "auto",
        random_state: Any = None,
        tol: float = 0.0,
    ):
        self.n_components = n_components
        self.algorithm = algorithm
        self.n_iter = n_iter
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.random_state = random_state
        self.tol = tol

    def fit(self, X: Any, y: Any = None) -> TruncatedSVD:
        """Find the singular vectors.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data; float32 stays float32.
        y : Ignored
            Present for the sake of scikit-learn's interface.

        Returns
        -------
        TruncatedSVD
            The fitted estimator itself.
        """
        self.fit_transform(X)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Find the singular vectors and project the data on them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data; float32 stays float32.
        y : Ignored
            Present for the sake of scikit-learn's interface.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            ``X @ components_.T``.
        """
        X = canonical(
            validate_data(
                self,
                X,
                accept_sparse=["csr", "csc"],
                dtype=list(FLOATS),
                ensure_min_features=2,
            )
        )
        self._check(X.shape)
        k = int(self.n_components)
        drawn = probes(X.shape, k + self.n_oversamples, self.random_state)
        exact = self.algorithm == "arpack"
        params = {
            "n_components": k,
            "n_iter": None if exact else int(self.n_iter),
            "tol": float(self.tol),
        }
        if sp.issparse(X):
            X = X.tocsr()
            run = kernel("decomposition.truncated_svd_fit_sparse")
            fit = run(sparse_arrays(X), drawn, **params)
            total = float(mean_variance_axis(X, axis=0)[1].sum())
        else:
            fit = kernel("decomposition.truncated_svd_fit")(X, drawn, **params)
            total = float(np.var(X, axis=0, dtype=np.float64).sum())
        if exact and not fit["converged"]:
            warnings.warn(
                "The singular vectors did not converge; a larger tol accepts less accurate ones.",
                ConvergenceWarning,
                stacklevel=2,
            )
        variance = fit["transformed"].var(axis=0)
        self.components_ = fit["components"].astype(X.dtype)
        self.singular_values_ = fit["singular"].astype(X.dtype)
        self.explained_variance_ = variance.astype(X.dtype)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.explained_variance_ratio_ = (variance / total).astype(X.dtype)
        return fit["transformed"].astype(X.dtype, copy=False)

    def _check(self, shape: tuple[int, int]) -> None:
        """Refuse more components than there are."""
        k, short = self.n_components, min(shape)
        if self.algorithm == "arpack":
            if k >= short:
                raise ValueError(f"`k` must be an integer satisfying `0 < k < {short}`.")
        elif k > shape[1]:
            raise ValueError(f"n_components({k}) must be <= n_features({shape[1]}).")
        elif k > short:
            raise ValueError(f"n_components({k}) must be <= n_samples({short}).")

    def transform(self, X: Any) -> Any:
        """Project X on the singular vectors.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            ``X @ components_.T``.
        """
        check_is_fitted(self)
        X = validate_predict(self, X, accept_sparse=["csr", "csc"], order=None)
        return product(X, np.ascontiguousarray(self.components_.T))

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Return the points whose coordinates X are.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Coordinates along the singular vectors.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            ``X @ components_``, dense.
        """
        check_is_fitted(self)
        return product(check_array(X, dtype=list(FLOATS)), self.components_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
