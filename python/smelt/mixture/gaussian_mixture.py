"""Gaussian mixture."""

from __future__ import annotations

import math
import time
import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from smelt._kernel import kernel
from smelt._validate import FLOATS, canonical, in_parts, nothing_lost, validate_predict
from smelt.mixture._given import given_factors, given_means, given_precisions, given_weights


class GaussianMixture(DensityMixin, BaseEstimator):
    r"""Density as a sum of Gaussians, found by expectation and maximisation.

    .. math:: \max_{w, \mu, \Sigma} \; \sum_i \ln \sum_k w_k \,
        \mathcal{N}(x_i \mid \mu_k, \Sigma_k), \qquad \sum_k w_k = 1

    Each step finds the share that every component has in every row, then the weights, means and
    covariances that are best for these shares; the likelihood never falls.  The fit ends when the
    mean log-likelihood of a row changes by less than ``tol``.

    Parameters
    ----------
    n_components : int, default=1
        Number of Gaussians, at most the number of rows.
    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        A covariance matrix each, one for all, a diagonal each, or one variance each.
    tol : float, default=1e-3
        Change of the mean log-likelihood below which the fit ends, at least 0.
    reg_covar : float, default=1e-6
        Added to the diagonals of the covariances, at least 0.
    max_iter : int, default=100
        Most steps of a start; with 0 the start itself is the result.
    n_init : int, default=1
        Number of starts, of which the one with the best likelihood is kept.
    init_params : {"kmeans", "k-means++", "random", "random_from_data"}, default="kmeans"
        Start: clusters of :class:`~smelt.cluster.KMeans`; single rows far from each other; random
        shares; or rows drawn.
    weights_init : array-like of shape (n_components,), default=None
        Weights to start from, with sum 1.
    means_init : array-like of shape (n_components, n_features), default=None
        Means to start from.
    precisions_init : array-like, default=None
        Inverses of the covariances to start from, shaped as ``precisions_``.
    random_state : int, RandomState instance or None, default=None
        Seed of the start and of :meth:`sample`; what is drawn is what scikit-learn draws.
    warm_start : bool, default=False
        Whether a further ``fit`` goes on from the last result; ``n_init`` then counts the first
        time only.
    verbose : int, default=0
        1 prints starts and every ``verbose_interval``-th step, 2 also times and changes.
    verbose_interval : int, default=10
        Steps between two lines.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Weights of the components.
    means_ : ndarray of shape (n_components, n_features)
        Means of the components.
    covariances_ : ndarray
        Covariances: "full" (n_components, n_features, n_features), "tied" (n_features, n_features),
        "diag" (n_components, n_features), "spherical" (n_components,).
    precisions_ : ndarray
        Their inverses, in the same shape.
    precisions_cholesky_ : ndarray
        Upper triangular factors U of the inverses, ``precision = U @ U.T``; roots for "diag" and
        "spherical".
    converged_ : bool
        Whether the start that was kept ended by ``tol``.
    n_iter_ : int
        Its steps.
    lower_bound_ : float
        Mean log-likelihood of a row before the last step.
    lower_bounds_ : list of float
        The same of each step.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where X holds NaN or infinity, has fewer rows than components, or a covariance is singular.

    Notes
    -----
    Cost of a step: ``2 * n * k * d**2`` flops for "full"; X is read once, and nothing of size
    ``n * k`` is kept.  Covariances are of float64 sums, whatever X is; attributes have X's dtype.

    Deviations from scikit-learn: parameters given as lists stay lists; the message for weights out
    of range names the smallest and the largest as they are.

    References
    ----------
    Dempster, Laird and Rubin (1977), "Maximum likelihood from incomplete data via the EM
    algorithm".
    Hastie, Tibshirani and Friedman, "The elements of statistical learning", 8.5.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.mixture import GaussianMixture
    >>> X = np.array([[1.0, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> model = GaussianMixture(n_components=2, random_state=0).fit(X)
    >>> model.means_
    array([[10.,  2.],
           [ 1.,  2.]])
    >>> model.predict([[0.0, 0], [12, 3]])
    array([1, 0])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions({"full", "tied", "diag", "spherical"})],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions({"kmeans", "k-means++", "random", "random_from_data"})],
        "weights_init": ["array-like", None],
        "means_init": ["array-like", None],
        "precisions_init": ["array-like", None],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weights_init: Any = None,
        means_init: Any = None,
        precisions_init: Any = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval

    def fit(self, X: Any, y: Any = None) -> GaussianMixture:
        """Fit the mixture.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; float32 stays float32.
        y : None
            Ignored.

        Returns
        -------
        GaussianMixture
            The fitted estimator itself.
        """
        self._learn(X)
        return self

    def fit_predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit the mixture, and return the component of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.

        Returns
        -------
        ndarray of shape (n_samples,)
            ``predict(X)``.
        """
        return self._answer(self._learn(X), "label")

    @_fit_context(prefer_skip_nested_validation=True)
    @nothing_lost
    def _learn(self, X: Any) -> np.ndarray:
        X = validate_data(self, in_parts(X), dtype=list(FLOATS), ensure_min_samples=2)
        X = canonical(X)
        if X.shape[0] < self.n_components:
            raise ValueError(
                f"Expected n_samples >= n_components but got n_components = {self.n_components}, "
                f"n_samples = {X.shape[0]}"
            )
        given = self._given(X.shape[1])
        goes_on = self.warm_start and hasattr(self, "converged_")
        random_state = check_random_state(self.random_state)
        best: dict[str, Any] = {"lower_bound": -np.inf}
        for start in range(1 if goes_on else self.n_init):
            mixture = self._last() if goes_on else self._start(X, random_state, given)
            found = self._climb(X, start, mixture, self.lower_bound_ if goes_on else -np.inf)
            if found["lower_bound"] > best["lower_bound"] or best["lower_bound"] == -np.inf:
                best = found
        self._keep(best, X.dtype)
        if not self.converged_ and self.max_iter > 0:
            warnings.warn(
                "Best performing initialization did not converge. Try different init parameters, "
                "or increase max_iter, tol, or check for degenerate data.",
                ConvergenceWarning,
                stacklevel=4,
            )
        return X  # type: ignore[no-any-return]

    def _given(self, n_features: int) -> dict[str, Any]:
        """Return what the parameters say of the start, checked."""
        shape = (self.n_components, n_features)
        given = {}
        if self.weights_init is not None:
            given["weights"] = given_weights(self.weights_init, self.n_components)
        if self.means_init is not None:
            given["means"] = given_means(self.means_init, shape)
        if self.precisions_init is not None:
            precisions = given_precisions(self.precisions_init, self.covariance_type, shape)
            factors = given_factors(precisions, self.covariance_type)
            given["precisions_cholesky"] = self._flat(factors, n_features)
        return given

    def _start(self, X: np.ndarray, random_state: Any, given: dict[str, Any]) -> dict[str, Any]:
        """Return the mixture that a start begins with."""
        if len(given) == 3:
            return {"covariances": None, **given}
        labels, shares = self._shares(X, random_state)
        fit = kernel("mixture.gaussian_mixture_fit_start")(
            X,
            labels,
            shares,
            int(self.n_components),
            covariance_type=self.covariance_type,
            reg_covar=float(self.reg_covar),
        )
        return {**fit, **given}

    def _shares(self, X: np.ndarray, random_state: Any) -> tuple[Any, Any]:
        """Return each row's component (-1 for none), or the shares of all in each row."""
        n, k = X.shape[0], self.n_components
        if self.init_params == "kmeans":
            from smelt.cluster import KMeans

            means = KMeans(n_clusters=k, n_init=1, random_state=random_state)
            return means.fit(X).labels_, None
        if self.init_params == "random":
            shares = random_state.uniform(size=(n, k)).astype(X.dtype, copy=False)
            shares /= shares.sum(axis=1)[:, None]
            return None, shares
        if self.init_params == "random_from_data":
            rows = random_state.choice(n, size=k, replace=False)
        else:
            from smelt.cluster import kmeans_plusplus

            _, rows = kmeans_plusplus(X, k, random_state=random_state)
        shares = np.zeros((n, k), dtype=X.dtype)
        shares[rows, np.arange(k)] = 1
        return None, shares

    def _climb(
        self, X: np.ndarray, start: int, mixture: dict[str, Any], bound: float
    ) -> dict[str, Any]:
        """Step until the likelihood rests; prints what ``verbose`` asks for."""
        step = kernel("mixture.gaussian_mixture_fit_step")
        options = {"covariance_type": self.covariance_type, "reg_covar": float(self.reg_covar)}
        if self.verbose:
            print(f"Initialization {start}")
        began = last = time.perf_counter()
        bounds: list[float] = []
        converged = False
        while not converged and len(bounds) < self.max_iter:
            mixture = step(
                X, mixture["weights"], mixture["means"], mixture["precisions_cholesky"], **options
            )
            change, bound = mixture["lower_bound"] - bound, mixture["lower_bound"]
            bounds.append(bound)
            if self.verbose and len(bounds) % self.verbose_interval == 0:
                now = time.perf_counter()
                more = f"\t time lapse {now - last:.5f}s\t ll change {change:.5f}"
                print(f"  Iteration {len(bounds)}{more if self.verbose > 1 else ''}")
                last = now
            converged = abs(change) < self.tol
        if self.verbose and self.max_iter > 0:
            more = f" time lapse {time.perf_counter() - began:.5f}s\t lower bound {bound:.5f}."
            ended = "converged" if converged else "did not converge"
            print(f"Initialization {ended}.{more if self.verbose > 1 else ''}")
        if self.max_iter == 0:
            bound = -np.inf
        return {**mixture, "lower_bound": bound, "bounds": bounds, "converged": converged}

    def _keep(self, found: dict[str, Any], dtype: Any) -> None:
        """Set the attributes."""
        k, d = found["means"].shape
        kind = self.covariance_type
        shape = {"full": (k, d, d), "tied": (d, d), "diag": (k, d), "spherical": (k,)}[kind]
        self.converged_ = found["converged"]
        self.weights_ = found["weights"].astype(dtype, copy=False)
        self.means_ = found["means"].astype(dtype, copy=False)
        covariances = found["covariances"]
        if covariances is not None:
            covariances = covariances.reshape(shape).astype(dtype, copy=False)
        self.covariances_ = covariances
        factors = found["precisions_cholesky"].reshape(shape).astype(dtype, copy=False)
        self.precisions_cholesky_ = factors
        if kind in ("full", "tied"):
            self.precisions_ = factors @ np.swapaxes(factors, -1, -2)
        else:
            self.precisions_ = factors**2
        self.n_iter_ = len(found["bounds"])
        self.lower_bound_ = found["lower_bound"]
        self.lower_bounds_ = found["bounds"]

    def _flat(self, factors: np.ndarray, n_features: int) -> np.ndarray:
        """Factors as the kernels want them: a matrix, whatever the type of covariance."""
        columns = 1 if self.covariance_type == "spherical" else n_features
        return np.ascontiguousarray(factors, dtype=np.float64).reshape(-1, columns)

    def _last(self) -> dict[str, Any]:
        """Return the mixture of the last fit."""
        covariances = self.covariances_
        if covariances is not None:
            covariances = self._flat(covariances, self.means_.shape[1])
        return {
            "weights": np.asarray(self.weights_, dtype=np.float64),
            "means": np.asarray(self.means_, dtype=np.float64),
            "covariances": covariances,
            "precisions_cholesky": self._flat(self.precisions_cholesky_, self.means_.shape[1]),
        }

    def _answer(self, X: np.ndarray, output: str) -> Any:
        if X.dtype != self.means_.dtype:
            X = X.astype(np.float64, copy=False)
        last = self._last()
        return kernel("mixture.gaussian_mixture_predict")(
            X,
            last["weights"],
            last["means"],
            last["precisions_cholesky"],
            self.covariance_type,
            output,
        )

    def predict(self, X: Any) -> np.ndarray:
        """Return the most likely component of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Components.
        """
        return self._answer(validate_predict(self, X, order=None), "label")  # type: ignore[no-any-return]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the share of each component in each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Shares; those of a row add up to 1.
        """
        return self._answer(validate_predict(self, X, order=None), "proba")  # type: ignore[no-any-return]

    def score_samples(self, X: Any) -> np.ndarray:
        """Return the log-likelihood of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Logarithms of the density.
        """
        return self._answer(validate_predict(self, X, order=None), "log_likelihood")  # type: ignore[no-any-return]

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean log-likelihood of a row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.

        Returns
        -------
        float
            Mean of ``score_samples(X)``.
        """
        return float(self.score_samples(X).mean())

    def _n_parameters(self) -> int:
        """Return the number of free parameters."""
        k, d = self.means_.shape
        free = {"full": k * d * (d + 1) // 2, "tied": d * (d + 1) // 2, "diag": k * d}
        return int(free.get(self.covariance_type, k) + k * d + k - 1)

    def bic(self, X: Any) -> float:
        """Return the Bayesian information criterion; less is better.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        float
            ``-2 * log-likelihood + ln(n_samples) * number of parameters``.
        """
        n = X.shape[0]
        return -2 * self.score(X) * n + self._n_parameters() * math.log(n)

    def aic(self, X: Any) -> float:
        """Return the Akaike information criterion; less is better.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        float
            ``-2 * log-likelihood + 2 * number of parameters``.
        """
        return -2 * self.score(X) * X.shape[0] + 2 * self._n_parameters()

    def sample(self, n_samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Draw rows from the mixture.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows, at least 1.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Rows, component after component.
        y : ndarray of shape (n_samples,)
            Their components.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        if n_samples < 1:
            raise ValueError(
                f"Invalid value for 'n_samples': {n_samples} . The sampling requires at least one "
                "sample."
            )
        random_state = check_random_state(self.random_state)
        counts = random_state.multinomial(n_samples, self.weights_)
        rows = []
        for c, (mean, count) in enumerate(zip(self.means_, counts, strict=True)):
            covariance = (
                self.covariances_ if self.covariance_type == "tied" else self.covariances_[c]
            )
            if self.covariance_type in ("full", "tied"):
                rows.append(random_state.multivariate_normal(mean, covariance, int(count)))
            else:
                normal = random_state.standard_normal(size=(count, len(mean)))
                rows.append(mean + normal * np.sqrt(covariance))
        return np.vstack(rows), np.repeat(np.arange(len(counts)), counts)
