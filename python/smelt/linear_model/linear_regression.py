"""Ordinary least squares."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval

from smelt._validate import validate_fit, validate_weight
from smelt.linear_model._base import LeastSquaresModel


class LinearRegression(LeastSquaresModel):
    r"""Linear model that minimises the sum of squared residuals.

    .. math:: \min_{w, b} \; \sum_i s_i \, (y_i - x_i^\top w - b)^2

    Of all minimisers the one with the smallest :math:`\lVert w \rVert` is returned.  Dense data
    are read once: cross products about the means, Cholesky, singular values.  Where these lose
    digits (condition of the scaled columns above 10\ :sup:`4`), where singular values count as
    zero, and where there are fewer rows than columns, a QR and singular value decomposition of a
    centred copy answers.  Sparse data are solved by LSQR without a dense copy.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether to fit b.  If False, b is 0.
    copy_X : bool, default=True
        Accepted for scikit-learn's sake; X is never changed.
    tol : float, default=1e-6
        Dense X: singular values up to ``tol`` times the largest count as zero.  Sparse X: the
        tolerance at which LSQR stops.  In [0, inf).
    n_jobs : int or None, default=None
        Threads; None means as many as :func:`smelt.config` allows, -1 all.
    positive : bool, default=False
        Whether to keep all coefficients at 0 or above (dense X only), by Lawson and Hanson's
        active set.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients w, of X's dtype.
    intercept_ : float or ndarray of shape (n_targets,)
        b; 0.0 where none is fitted.
    rank_ : int
        Singular values that count.  Dense X without ``positive`` only.
    singular_ : ndarray of shape (min(n_samples, n_features),)
        Singular values of the centred X, rows weighted by :math:`\sqrt{s_i}`.  Dense X without
        ``positive`` only.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where X, y or the weights hold NaN or infinity, or have the wrong shape.

    See Also
    --------
    Ridge : Penalises large coefficients.

    Notes
    -----
    Cost: ``n * d**2 / 2`` multiply-adds and one reading of X, then ``O(d**3)``; the
    factorization takes ``2 * n * d**2`` and a copy.  Sums are kept in float64; where the
    system is well-conditioned, products of float32 X are float32.

    References
    ----------
    Golub and Van Loan, *Matrix Computations*, 4th edition, chapter 5.
    Björck (1987), Stability analysis of the method of semi-normal equations.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.linear_model import LinearRegression
    >>> X = np.array([[1.0, 1.0], [1.0, 2.0], [2.0, 2.0], [2.0, 3.0]])
    >>> model = LinearRegression().fit(X, X @ [1.0, 2.0] + 3.0)
    >>> model.coef_.round(6), float(model.intercept_.round(6))
    (array([1., 2.]), 3.0)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "n_jobs": [None, Integral],
        "positive": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    rank_: int
    singular_: np.ndarray

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        tol: float = 1e-6,
        n_jobs: int | None = None,
        positive: bool = False,
    ):
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LinearRegression:
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data; float32 stays float32.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Weights of the rows, not negative.

        Returns
        -------
        LinearRegression
            The fitted estimator itself.
        """
        X, y = validate_fit(
            self,
            X,
            y,
            accept_sparse=False if self.positive else ["csr", "csc", "coo"],
            y_numeric=True,
            multi_output=True,
            ensure_all_finite=sp.issparse(X),
        )
        sample_weight = validate_weight(sample_weight, X)
        fit = self._run(
            "linear_model.linear_regression_fit",
            X,
            y,
            sample_weight,
            self.n_jobs,
            fit_intercept=bool(self.fit_intercept),
            tol=float(self.tol),
            positive=bool(self.positive),
        )
        if fit["rank"] is not None:
            self.rank_ = fit["rank"]
            self.singular_ = np.asarray(fit["singular"], dtype=X.dtype)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.positive
        return tags
