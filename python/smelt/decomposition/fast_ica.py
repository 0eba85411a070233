"""Independent component analysis by a fixed-point iteration."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from scipy import linalg
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite, check_array, check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from smelt._kernel import kernel
from smelt._validate import FLOATS, canonical, validate_predict
from smelt.decomposition._base import LinearDecomposition, product


class FastICA(LinearDecomposition):
    r"""Directions along which the data are least Gaussian: sources that were mixed.

    .. math:: \max_{W W^\top = I} \; \sum_i \bigl( E[G(w_i^\top z)] - E[G(\nu)] \bigr)^2

    for white data z, a Gaussian ν and a contrast G, whose slope g is ``fun``.  A fixed-point
    iteration, each step one pass over the data; it stops where no direction turns by more than
    ``tol`` (one minus the cosine).

    Parameters
    ----------
    n_components : int or None, default=None
        Sources wanted; None: ``min(n_samples, n_features)``.
    algorithm : {"parallel", "deflation"}, default="parallel"
        All directions at once, or one after the other.
    whiten : {"unit-variance", "arbitrary-variance"} or False, default="unit-variance"
        Whether and how the data are whitened: sources of unit variance, or of a variance of
        ``1 / n_samples``; False: X is white already.
    fun : {"logcosh", "exp", "cube"} or callable, default="logcosh"
        The slope.  A callable returns its values and its derivative for an array, and runs in
        NumPy.
    fun_args : dict or None, default=None
        Keyword arguments of a callable; ``alpha`` in [1, 2] of "logcosh".
    max_iter : int, default=200
        Most steps.
    tol : float, default=1e-4
        Largest turn that counts as none.
    w_init : array-like of shape (n_components, n_components) or None, default=None
        Start; None draws normal numbers.
    whiten_solver : {"eigh", "svd"}, default="svd"
        Accepted for scikit-learn's sake: eigenvectors of the covariance serve unless its smallest
        eigenvalue wanted says that digits would be lost, then singular vectors of the data.
    random_state : int, RandomState instance or None, default=None
        Draws the start.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        From centred data to sources.
    mixing_ : ndarray of shape (n_features, n_components)
        Pseudo-inverse of ``components_``: from sources to centred data.
    mean_ : ndarray of shape (n_features,)
        Means of the columns, where the data were whitened.
    whitening_ : ndarray of shape (n_components, n_features)
        From centred data to white data of variance ``1 / n_samples``, where whitened.
    n_iter_ : int
        Steps taken; the most of any direction with "deflation".
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where X holds NaN or infinity, ``alpha`` is out of range, or the start has a wrong shape.

    See Also
    --------
    PCA : Directions of most variance.

    Notes
    -----
    Cost of a step: ``4 * n * k**2`` flops and one reading of the white data.

    References
    ----------
    Hyvärinen and Oja (2000), Independent component analysis: algorithms and applications.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.decomposition import FastICA
    >>> time = np.linspace(0, 8, 2000)
    >>> sources = np.c_[np.sin(2 * time), np.sign(np.sin(3 * time))]
    >>> X = sources @ np.array([[1.0, 0.5], [1.0, 2.0]])
    >>> found = FastICA(random_state=0).fit_transform(X)
    >>> bool(np.abs(np.corrcoef(found.T, sources.T)[:2, 2:]).max(axis=0).min() > 0.99)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "algorithm": [StrOptions({"parallel", "deflation"})],
        "whiten": [
            StrOptions({"arbitrary-variance", "unit-variance"}),
            Options(bool, {False}),
        ],
        "fun": [StrOptions({"logcosh", "exp", "cube"}), callable],
        "fun_args": [dict, None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "w_init": ["array-like", None],
        "whiten_solver": [StrOptions({"eigh", "svd"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int | None = None,
        *,
        algorithm: str = "parallel",
        whiten: Any = "unit-variance",
        fun: Any = "logcosh",
        fun_args: dict[str, Any] | None = None,
        max_iter: int = 200,
        tol: float = 1e-4,
        w_init: Any = None,
        whiten_solver: str = "svd",
        random_state: Any = None,
    ):
        self.n_components = n_components
        self.algorithm = algorithm
        self.whiten = whiten
        self.fun = fun
        self.fun_args = fun_args
        self.max_iter = max_iter
        self.tol = tol
        self.w_init = w_init
        self.whiten_solver = whiten_solver
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> FastICA:
        """Find the sources' directions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; float32 stays float32.
        y : Ignored
            Present for the sake of scikit-learn's interface.

        Returns
        -------
        FastICA
            The fitted estimator itself.
        """
        self._fit(X)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Find the directions and return the sources.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; float32 stays float32.
        y : Ignored
            Present for the sake of scikit-learn's interface.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Sources.
        """
        return self._sources(self._fit(X))

    def _fit(self, X: Any) -> np.ndarray:
        X = canonical(
            validate_data(
                self, X, dtype=list(FLOATS), ensure_min_samples=2, ensure_all_finite=False
            )
        )
        fun_args = {} if self.fun_args is None else self.fun_args
        alpha = fun_args.get("alpha", 1.0)
        if not 1 <= alpha <= 2:
            raise ValueError("alpha must be in [1,2]")
        k = self.n_components
        if not self.whiten and k is not None:
            k = None
            warnings.warn("Ignoring n_components with whiten=False.", stacklevel=3)
        short = min(X.shape)
        if k is None:
            k = short
        if k > short:
            k = short
            warnings.warn(f"n_components is too large: it will be set to {k}", stacklevel=3)
        params = {
            "algorithm": self.algorithm,
            "fun": self.fun,
            "alpha": float(alpha),
            "whiten": bool(self.whiten),
            "max_iter": int(self.max_iter),
            "tol": float(self.tol),
        }
        run = kernel("decomposition.fast_ica_fit")
        if callable(self.fun):  # NumPy calls Python functions, the kernel does not
            from smelt.plain.decomposition import fast_ica_fit as run

            params["fun"] = lambda u, _: self.fun(u, **fun_args)
        try:
            fit = run(X, self._start(k), **params)
        except ValueError:
            assert_all_finite(X, input_name="X", estimator_name=type(self).__name__)
            raise
        if not fit["converged"]:
            warnings.warn(
                "FastICA did not converge. Consider increasing "
                "tolerance or the maximum number of iterations.",
                ConvergenceWarning,
                stacklevel=3,
            )
        unmixing = fit["unmixing"]
        self.n_iter_ = fit["n_iter"]
        if self.whiten:
            if self.whiten == "unit-variance":
                unmixing = unmixing / fit["deviation"][:, None]
            self.mean_ = fit["mean"].astype(X.dtype)
            self.whitening_ = fit["whitening"].astype(X.dtype)
            components = unmixing @ fit["whitening"]
        else:
            components = unmixing
        self.components_ = components.astype(X.dtype)
        self.mixing_ = linalg.pinv(components).astype(X.dtype)
        self._unmixing = unmixing.astype(X.dtype)
        return X  # type: ignore[no-any-return]

    def _start(self, k: int) -> np.ndarray:
        if self.w_init is None:
            drawn = check_random_state(self.random_state).normal(size=(k, k))
            return np.ascontiguousarray(drawn)
        start = np.ascontiguousarray(self.w_init, dtype=np.float64)
        if start.shape != (k, k):
            raise ValueError(f"w_init has invalid shape -- should be {(k, k)}")
        return start

    def _sources(self, X: np.ndarray) -> np.ndarray:
        axes = np.ascontiguousarray(self.components_.T)
        out = product(X, axes)
        if self.whiten:
            out -= self.mean_ @ axes
        return out

    def transform(self, X: Any, copy: bool = True) -> Any:
        """Return the sources of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        copy : bool, default=True
            Accepted for scikit-learn's sake; X is never changed.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Sources.
        """
        check_is_fitted(self)
        return self._sources(validate_predict(self, X, order=None))

    def inverse_transform(self, X: Any, copy: bool = True) -> np.ndarray:
        """Mix sources.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Sources.
        copy : bool, default=True
            Accepted for scikit-learn's sake; X is never changed.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Mixed data.
        """
        check_is_fitted(self)
        X = check_array(X, dtype=list(FLOATS))
        out = product(X, np.ascontiguousarray(self.mixing_.T))
        if self.whiten:
            out += self.mean_
        return out

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
