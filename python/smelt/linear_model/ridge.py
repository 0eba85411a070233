"""Ridge regression."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from smelt._validate import validate_fit, validate_weight
from smelt.linear_model._base import LeastSquaresModel

_SOLVERS = {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}


class Ridge(LeastSquaresModel):
    r"""Linear least squares with a penalty on the squares of the coefficients.

    .. math:: \min_{w, b} \; \sum_i s_i \, (y_i - x_i^\top w - b)^2 + \alpha \lVert w \rVert^2

    Dense data are read once: cross products about the means, then Cholesky; with fewer rows than
    columns the inner products of the rows serve instead.  Where the condition of the system says
    that digits would be lost, a singular value decomposition answers.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1.0
        Weight of the penalty, one for all targets or one each, in [0, inf).
    fit_intercept : bool, default=True
        Whether to fit b, which is not penalised.  If False, b is 0.
    copy_X : bool, default=True
        Accepted for scikit-learn's sake; X is never changed.
    max_iter : int or None, default=None
        Most steps of ``sparse_cg`` and ``lsqr``; None means 10 and 2 times the number of columns.
    tol : float, default=1e-4
        Relative tolerance at which ``sparse_cg`` and ``lsqr`` stop; the other methods are exact.
    solver : {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}
        The method, by default "auto": "cholesky" for dense and "sparse_cg" for sparse data.  "sag"
        and "saga" are answered by an exact method: "cholesky" for dense data, "sparse_cg" with a
        tolerance of ``tol / 1000`` for sparse ones.  "lbfgs" goes with ``positive``.
    positive : bool, default=False
        Whether to keep all coefficients at 0 or above; answered exactly by Lawson and Hanson's
        active set on the normal equations.
    random_state : int, RandomState instance or None, default=None
        Accepted for scikit-learn's sake; no method here draws random numbers.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients w, of X's dtype.
    intercept_ : float or ndarray of shape (n_targets,)
        b; 0.0 where none is fitted.
    n_iter_ : None or ndarray of shape (n_targets,)
        Steps taken for each target where "lsqr", "sag" or "saga" was asked for (1 where a direct
        method answered), else None.
    solver_ : str
        The method that answered: "cholesky", "svd", "sparse_cg", "lsqr" or "active_set".
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where X, y or the weights hold NaN or infinity or have the wrong shape, and where a solver
        does not go with the other parameters.

    See Also
    --------
    LinearRegression : The same without a penalty.

    Notes
    -----
    Cost of "cholesky": ``n * d**2 / 2`` multiply-adds and one reading of X, then ``d**3 / 3``; for
    n < d ``d * n**2 / 2`` and ``n**3 / 3``.  Sums are kept in float64; where the
    system is well-conditioned, products of float32 X are float32.

    Deviations from scikit-learn: see ``solver`` and ``solver_``; weights must not be negative.

    References
    ----------
    Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning*, section 3.4.1.
    Paige and Saunders (1982), LSQR.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.linear_model import Ridge
    >>> X = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    >>> Ridge(alpha=0.5).fit(X, [0.0, 0.1, 1.0]).coef_.round(4)
    array([0.3455, 0.3455])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "solver": [StrOptions(_SOLVERS)],
        "positive": ["boolean"],
        "random_state": ["random_state"],
    }

    n_iter_: np.ndarray | None
    solver_: str

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        solver: str = "auto",
        positive: bool = False,
        random_state: Any = None,
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Ridge:
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
        Ridge
            The fitted estimator itself.
        """
        is_sparse = sp.issparse(X)
        X, y = validate_fit(
            self,
            X,
            y,
            accept_sparse=["csr", "csc", "coo"],
            y_numeric=True,
            multi_output=True,
            ensure_all_finite=is_sparse,
        )
        sample_weight = validate_weight(sample_weight, X)
        method = self._method(is_sparse)
        tol = float(self.tol)
        if self.solver in ("sag", "saga"):
            tol /= 1000
        fit = self._run(
            "linear_model.ridge_fit",
            X,
            y,
            sample_weight,
            None,
            alpha=np.ravel(np.asarray(self.alpha, dtype=np.float64)).tolist(),
            fit_intercept=bool(self.fit_intercept),
            solver=method,
            max_iter=self.max_iter,
            tol=tol,
        )
        if len(fit["coef"]) == 1:  # also where y has two dimensions
            self.coef_ = self.coef_.ravel()
        self.solver_ = fit["solver"]
        self.n_iter_ = None
        if self.solver in ("lsqr", "sag", "saga"):
            steps = fit["n_iter"] or [1] * (1 if y.ndim == 1 else y.shape[1])
            self.n_iter_ = np.asarray(steps, dtype=np.int32)
        return self

    def _method(self, is_sparse: bool) -> str:
        """Return the kernel's method for the parameters; refuse what scikit-learn refuses."""
        solver = self.solver
        if solver == "lbfgs" and not self.positive:
            raise ValueError(
                "'lbfgs' solver can be used only when positive=True. Please use another solver."
            )
        if self.positive:
            if solver not in ("auto", "lbfgs"):
                raise ValueError(
                    f"solver='{solver}' does not support positive fitting. Please"
                    " set the solver to 'auto' or 'lbfgs', or set `positive=False`"
                )
            return "active_set"
        if is_sparse and solver == "svd" and not self.fit_intercept:
            raise TypeError("SVD solver does not support sparse inputs currently")
        if is_sparse and self.fit_intercept and solver in ("svd", "cholesky", "saga"):
            raise ValueError(
                f"solver='{solver}' does not support fitting the intercept "
                "on sparse data. Please set the solver to 'auto' or "
                "'lsqr', 'sparse_cg', 'sag', 'lbfgs' "
                "or set `fit_intercept=False`"
            )
        if solver in ("auto", "sag", "saga"):
            return "sparse_cg" if is_sparse else "cholesky"
        return solver

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.solver != "svd" and (
            self.solver != "cholesky" or not self.fit_intercept
        )
        return tags
