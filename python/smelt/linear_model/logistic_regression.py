"""Logistic regression with an L2 penalty or none, on dense and sparse data."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import compute_class_weight
from sklearn.utils._param_validation import Hidden, Interval, StrOptions
from sklearn.utils.extmath import safe_sparse_dot, softmax
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_is_fitted

from smelt._kernel import kernel
from smelt._validate import (
    classes_and_codes,
    sparse_arrays,
    validate_fit,
    validate_predict,
    validate_weight,
)

_OWN_SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga", "liblinear")


try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9 has no callbacks

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands where scikit-learn has no callbacks."""


class LogisticRegression(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    r"""Logistic regression: a linear model of the log-odds of the classes.

    .. math::

        \min_{w, b} \; C \sum_i s_i \, \ell(y_i, x_i w + b) + \tfrac12 \lVert w \rVert^2,
        \qquad \ell = -\ln p(y_i \mid x_i)

    with one row of weights and the logistic function for two classes, and one row a class and the
    softmax for more.

    The minimum is found by Newton's method where the coefficients are few, else by L-BFGS with a
    preconditioner made of the Hessian on a sample of the rows; either reads X once a step.  On very
    long data Newton's method starts from the optimum on a sixteenth of the rows and keeps the
    Hessian of that sample while its steps pay.  Steps end when no entry of the gradient of the
    objective, divided by :math:`C \sum_i s_i`, is above ``tol`` and the estimated distance of that
    objective to its minimum is below a hundredth of ``tol``, or after ``max_iter`` of them.

    Parameters
    ----------
    penalty : {"l1", "l2", "elasticnet", None}, default="l2"
        Deprecated by scikit-learn 1.8 in favour of `l1_ratio` and `C`; still understood.
    C : float, default=1.0
        Inverse of the strength of the penalty, above 0; ``np.inf`` for no penalty.
    l1_ratio : float, default=0.0
        Share of the L1 penalty, from 0 (L2 alone) to 1 (L1 alone); above 0 scikit-learn's own
        solver does the fit (`solver` must be "saga", or "liblinear" with 1).
    dual : bool, default=False
        Whether liblinear's dual problem is meant; it has the same optimum.
    tol : float, default=1e-4
        Bound of the largest absolute entry of the gradient, at least 0.
    fit_intercept : bool, default=True
        Whether to add an intercept, which is not penalised.
    intercept_scaling : float, default=1
        With ``solver="liblinear"`` the intercept is penalised, with a weight of 1 divided by the
        square of this number.
    class_weight : dict or "balanced", default=None
        Weights of the classes; "balanced" makes them inversely proportional to their frequency.
    random_state : int, RandomState or None, default=None
        Only used where scikit-learn does the fit.
    solver : {"lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"}, default="lbfgs"
        "newton-cholesky" prefers Newton's method for up to 2000 coefficients; the other names leave
        the choice to the shape of the data (see Notes).
    max_iter : int, default=100
        Most steps, at least 0.
    verbose : int, default=0
        Only used where scikit-learn does the fit.
    warm_start : bool, default=False
        Whether to start from the solution of the last call of ``fit``.
    n_jobs : int or None, default=None
        Threads; None as many as :func:`smelt.config` allows.  The result is the same for any
        number.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights, one row for two classes.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts.
    n_iter_ : ndarray of shape (1,)
        Steps taken on all rows.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where X has them.

    Raises
    ------
    ValueError
        If a parameter is out of range, solver and penalty do not go together, X or y cannot be
        used, or there is one class only.

    Warns
    -----
    ConvergenceWarning
        If the gradient is above ``tol`` after ``max_iter`` steps.

    Notes
    -----
    A Newton step costs O(n·p²) for p coefficients, an L-BFGS step O(n·p), or two operations
    for each stored entry of a sparse X.

    For L2 and no penalty all solvers of scikit-learn that minimise the same objective have the
    same optimum, so `solver` only names it: the steps are those described above.  ``n_iter_``
    counts them and is as a rule smaller than scikit-learn's.  "liblinear" penalises the
    intercept, and so does this class with it.  Penalties with an L1 part are fitted by
    scikit-learn's class, whose attributes are taken over.

    Callbacks (``set_callbacks``, scikit-learn 1.9 and later) see the fit as one task, with the
    fitted model at its end; scikit-learn's class also reports every step of L-BFGS.

    ``coef_`` is at least as close to the optimum as ``tol`` asks; scikit-learn's L-BFGS often stops
    further away, so predictions agree to its accuracy, not to that of this class.

    References
    ----------
    Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, section 4.4.
    Nocedal and Wright, Numerical Optimization, chapters 6 and 7.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from smelt.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LogisticRegression().fit(X, y)
    >>> model.predict(X[:2])
    array([0, 0])
    >>> round(model.score(X, y), 3)
    0.973
    """

    _parameter_constraints: dict = {  # noqa: RUF012  (scikit-learn's name and form)
        "penalty": [
            StrOptions({"l1", "l2", "elasticnet"}),
            None,
            Hidden(StrOptions({"deprecated"})),
        ],
        "C": [Interval(Real, 0, None, closed="right")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
        "dual": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "random_state": ["random_state"],
        "solver": [StrOptions(set(_OWN_SOLVERS))],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        penalty: Any = "deprecated",
        *,
        C: float = 1.0,
        l1_ratio: float | None = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "lbfgs",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LogisticRegression:
        """Fit the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Classes: numbers or strings.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self
            The fitted estimator.
        """
        penalty = self._penalty()
        if penalty in ("l1", "elasticnet"):
            return self._fit_with_scikit_learn(penalty, X, y, sample_weight)
        # The kernel meets every entry of X and says so when one is not finite: no pass is lost.
        X, y = validate_fit(self, X, y, accept_sparse="csr", ensure_all_finite=False)
        if y.dtype.kind not in "biuUS":  # those are classes
            # The first rows show whether objects are strings; to look through all takes long.
            check_classification_targets(y if y.dtype.kind == "f" else y[:16])
        task = self._begin_task(X, y, sample_weight)
        self.classes_, codes = classes_and_codes(y)
        n_classes = len(self.classes_)
        if n_classes < 2:
            raise ValueError(
                "This solver needs samples of at least 2 classes in the data, but the data contains"
                f" only one class: {self.classes_[0]!r}"
            )
        if self.solver == "liblinear" and n_classes > 2:
            raise ValueError(
                "The 'liblinear' solver does not support multiclass classification (n_classes"
                " >= 3). Either use another solver or wrap the estimator in a OneVsRestClassifier"
                " to keep applying a one-versus-rest scheme."
            )
        weight = self._weight(X, y, codes, sample_weight)
        alpha = 0.0 if penalty is None else 1.0 / self.C
        penalised_intercept = self.solver == "liblinear" and self.fit_intercept
        name = "linear_model.logistic_regression_fit"
        sparse = sp.issparse(X)
        fit = kernel(name + "_sparse" if sparse else name, n_jobs=self.n_jobs)
        try:
            found = fit(
                sparse_arrays(X) if sparse else X,
                codes,
                weight,
                self._start(n_classes, X.shape[1]),
                n_classes=n_classes,
                alpha=alpha,
                intercept_alpha=1.0 / self.intercept_scaling**2 if penalised_intercept else 0.0,
                fit_intercept=bool(self.fit_intercept),
                tol=float(self.tol),
                max_iter=int(self.max_iter),
                method="newton" if self.solver == "newton-cholesky" else "auto",
            )
        except ValueError:
            assert_all_finite(X.data if sparse else X, input_name="X")
            raise
        self.coef_ = found["coef"].astype(X.dtype, copy=False)
        self.intercept_ = found["intercept"].astype(X.dtype, copy=False)
        self.n_iter_ = np.array([found["n_iter"]], dtype=np.int32)
        if not found["converged"]:
            warnings.warn(
                f"LogisticRegression stopped after {found['n_iter']} steps with a gradient of"
                f" {found['gradient_max']:.3g}, above tol={self.tol:g}. Scale the columns of X"
                " (sklearn.preprocessing.StandardScaler), or increase max_iter or tol.",
                ConvergenceWarning,
                stacklevel=2,
            )
        if task is not None:
            task["context"].call_on_fit_task_end(**task["data"], reconstruction_attributes={})
        return self

    def _begin_task(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """Tell the callbacks that the fit begins; None where there are none."""
        if not (hasattr(self, "_skl_callbacks") or hasattr(self, "_parent_callback_ctx")):
            return None
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        data = {"estimator": self, "X": X, "y": y, "metadata": metadata}
        context = self._init_callback_context()
        context.call_on_fit_task_begin(**data)
        return {"context": context, "data": data}

    def _penalty(self) -> str | None:
        """Check penalty, solver and dual, which constrain each other; return the penalty meant."""
        if self.penalty == "deprecated":
            ratio = self.l1_ratio
            if ratio is None:
                warnings.warn(
                    "'l1_ratio=None' was deprecated in version 1.8 and will trigger an error in"
                    " 1.10. Use 0<=l1_ratio<=1 instead.",
                    FutureWarning,
                    stacklevel=3,
                )
            named = "l2" if not ratio else "l1" if ratio == 1 else "elasticnet"
            penalty = None if np.isinf(self.C) else named
        else:
            penalty = self.penalty
            warnings.warn(
                "'penalty' was deprecated in version 1.8 and will be removed in 1.10. Use"
                " l1_ratio=0 instead of penalty='l2', l1_ratio=1 instead of penalty='l1', l1_ratio"
                " between 0 and 1 instead of penalty='elasticnet', and C=np.inf instead of"
                " penalty=None.",
                FutureWarning,
                stacklevel=3,
            )
        if self.solver not in ("liblinear", "saga") and penalty not in ("l2", None):
            raise ValueError(
                f"Solver {self.solver} supports only 'l2' or None penalties, got {penalty} penalty."
            )
        if self.solver != "liblinear" and self.dual:
            raise ValueError(f"Solver {self.solver} supports only dual=False, got dual={self.dual}")
        if penalty == "elasticnet" and self.solver != "saga":
            raise ValueError(
                f"Only 'saga' solver supports elasticnet penalty, got solver={self.solver}."
            )
        if self.solver == "liblinear" and penalty is None:
            raise ValueError(
                "C=np.inf as well as penalty=None is not supported for the liblinear solver"
            )
        if penalty == "elasticnet" and self.l1_ratio is None:
            raise ValueError("l1_ratio must be specified when penalty is elasticnet.")
        if self.penalty is None and self.C != 1.0:
            warnings.warn(
                "Setting penalty=None will ignore the C and l1_ratio parameters", stacklevel=3
            )
        return penalty

    def _fit_with_scikit_learn(
        self, penalty: str, X: Any, y: Any, sample_weight: Any
    ) -> LogisticRegression:
        """Let scikit-learn's class do what smelt has no kernel for: penalties with an L1 part."""
        from sklearn.linear_model._logistic import LogisticRegression as ScikitLearns

        known = ScikitLearns().get_params(deep=False)
        params = {name: value for name, value in self.get_params().items() if name in known}
        if known["penalty"] != "deprecated":
            params["penalty"] = penalty
        params["n_jobs"] = None
        inner = ScikitLearns(**params)
        for name in ("_skl_callbacks", "_parent_callback_ctx"):
            if hasattr(self, name):
                setattr(inner, name, getattr(self, name))
        if self.warm_start and hasattr(self, "coef_"):
            inner.__dict__.update({k: v for k, v in vars(self).items() if k.endswith("_")})
        inner.fit(X, y, sample_weight)
        for name, value in vars(inner).items():
            if name.endswith("_") and not name.startswith("_"):
                setattr(self, name, value)
        return self

    def _weight(self, X: Any, y: Any, codes: Any, sample_weight: Any) -> Any:
        """Sample weights times class weights, or None for all ones."""
        weight = validate_weight(sample_weight, X, allow_negative=True)
        if self.class_weight is None:
            return weight
        options = {} if weight is None else {"sample_weight": weight}
        by_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y, **options)
        return by_class[codes] if weight is None else weight * by_class[codes]

    def _start(self, n_classes: int, n_features: int) -> Any:
        """Coefficients of the last fit where they are wanted: weights, then intercept, by rows."""
        if not self.warm_start or not hasattr(self, "coef_"):
            return None
        rows = 1 if n_classes == 2 else n_classes
        if self.coef_.shape != (rows, n_features):
            raise ValueError(
                f"warm_start=True, but the last fit has coefficients of shape {self.coef_.shape}"
                f" and this one needs {(rows, n_features)}"
            )
        coef = self.coef_.toarray() if sp.issparse(self.coef_) else self.coef_
        return np.column_stack([coef, self.intercept_]).astype(np.float64).ravel()

    def decision_function(self, X: Any) -> Any:
        """Return the scores ``X @ coef_.T + intercept_``; for two classes those of the second.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Scores.
        """
        X = validate_predict(self, X, accept_sparse="csr")
        if type(X) is np.ndarray and type(self.coef_) is np.ndarray:
            scores = X @ self.coef_.T
            scores += self.intercept_
        else:
            scores = safe_sparse_dot(X, self.coef_.T, dense_output=True) + self.intercept_
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> Any:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,)
            Classes.
        """
        scores = self.decision_function(X)
        best = scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).view(np.int8)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        scores = self.decision_function(X)
        if scores.ndim == 2:
            return softmax(scores, copy=False)
        positive = expit(scores)
        return np.stack([1 - positive, positive], axis=1)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Logarithms of probabilities, in the order of ``classes_``.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.stack([-np.logaddexp(0, scores), -np.logaddexp(0, -scores)], axis=1)
        scores = scores - scores.max(axis=1, keepdims=True)
        return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))

    def densify(self) -> LogisticRegression:
        """Turn ``coef_`` back into a dense array.

        Returns
        -------
        self
            The fitted estimator.
        """
        check_is_fitted(self)
        if sp.issparse(self.coef_):
            self.coef_ = self.coef_.toarray()
        return self

    def sparsify(self) -> LogisticRegression:
        """Turn ``coef_`` into a sparse matrix, which pays when most weights are 0 (L1 penalty).

        Returns
        -------
        self
            The fitted estimator.
        """
        check_is_fitted(self)
        self.coef_ = sp.csr_matrix(self.coef_)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        if self.solver == "liblinear":
            tags.classifier_tags.multi_class = False
        return tags
