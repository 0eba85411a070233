"""Gaussian naive Bayes: each feature is normal within a class."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils import assert_all_finite
from sklearn.utils._param_validation import Interval

from smelt._kernel import kernel
from smelt._validate import nothing_lost, validate_fit, validate_predict, validate_weight
from smelt.naive_bayes._base import NaiveBayes


class GaussianNB(NaiveBayes):
    r"""Classification by Bayes' theorem, each feature normal and independent within a class.

    .. math::

        \ln P(x, c) = \ln P(c) - \tfrac12 \sum_j \ln (2 \pi v_{cj})
                      - \tfrac12 \sum_j \frac{(x_j - m_{cj})^2}{v_{cj}}

    Means m and variances v come from one reading of X: sums about a row of each class, which keep
    their digits wherever the data lie.  Batches are merged exactly, by Chan's formula.

    Parameters
    ----------
    priors : array-like of shape (n_classes,), default=None
        P(c), not negative, with sum 1.  If None, the shares of the classes' weights.
    var_smoothing : float, default=1e-9
        Part of the largest variance of all features that is added to each variance, at least 0.

    Attributes
    ----------
    class_count_ : ndarray of shape (n_classes,)
        Weight of each class.
    class_prior_ : ndarray of shape (n_classes,)
        P(c).
    classes_ : ndarray of shape (n_classes,)
        Classes.
    epsilon_ : float
        What was added to the variances.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where X has them.
    var_ : ndarray of shape (n_classes, n_features)
        Variances v, of X's dtype.
    theta_ : ndarray of shape (n_classes, n_features)
        Means m, of X's dtype.

    Raises
    ------
    ValueError
        If X holds NaN or infinity, priors are not probabilities, or y has a class that the first
        call of ``partial_fit`` did not name.

    Notes
    -----
    Cost: ``fit`` reads X once (twice where a class begins far from its mean, or rows have weights),
    O(n·d); prediction reads it once, O(n·k·d).  Both run in parallel, with the same bits on any
    number of threads.  Sums are kept in float64; float32 rows are classified in float32.

    As in scikit-learn, ``epsilon_`` comes from the last batch alone and without weights, and is
    taken off the variances before the next batch is merged.

    References
    ----------
    Chan, Golub and LeVeque (1979), Updating formulae and a pairwise algorithm for computing sample
    variances.  Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 6.6.3.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.naive_bayes import GaussianNB
    >>> X = np.array([[-1.0, -1.0], [-2.0, -1.0], [-3.0, -2.0], [1.0, 1.0], [2.0, 1.0], [3.0, 2.0]])
    >>> model = GaussianNB().fit(X, [1, 1, 1, 2, 2, 2])
    >>> model.predict([[-0.8, -1.0]])
    array([1])
    >>> model.theta_
    array([[-2.        , -1.33333333],
           [ 2.        ,  1.33333333]])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "priors": ["array-like", None],
        "var_smoothing": [Interval(Real, 0, None, closed="left")],
    }

    theta_: np.ndarray
    var_: np.ndarray
    class_count_: np.ndarray
    class_prior_: np.ndarray

    def __init__(self, *, priors: Any = None, var_smoothing: float = 1e-9):
        self.priors = priors
        self.var_smoothing = var_smoothing

    @_fit_context(prefer_skip_nested_validation=True)
    @nothing_lost
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GaussianNB:
        """Fit the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; float32 stays float32.
        y : array-like of shape (n_samples,)
            Classes: numbers or strings.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        GaussianNB
            The fitted estimator itself.
        """
        return self._learn(X, y, None, sample_weight, refit=True)

    @_fit_context(prefer_skip_nested_validation=True)
    @nothing_lost
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> GaussianNB:
        """Add a batch of rows to what was learned.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,)
            Classes, all of them among those of the first call.
        classes : array-like of shape (n_classes,), default=None
            All classes there will ever be; needed at the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        GaussianNB
            The fitted estimator itself.
        """
        return self._learn(X, y, classes, sample_weight, refit=False)

    def _learn(
        self, X: Any, y: Any, classes: Any, sample_weight: Any, *, refit: bool
    ) -> GaussianNB:
        first = refit or not hasattr(self, "classes_")
        # The kernel meets every entry of X: no pass is lost to look for NaN.
        X, y = validate_fit(self, X, y, reset=first, ensure_all_finite=False)
        first = self._begin(classes, refit)
        codes = self._codes(y, refit)
        n_classes = len(self.classes_)
        weight = validate_weight(sample_weight, X, allow_negative=True)
        fit = kernel("naive_bayes.gaussian_nb_fit")(X, codes, weight, n_classes=n_classes)
        if not np.isfinite(fit["mean"].sum() + fit["variance"].sum()):
            assert_all_finite(X, input_name="X", estimator_name="GaussianNB")
        if first:
            shape = (n_classes, X.shape[1])
            self.theta_ = np.zeros(shape, dtype=X.dtype)
            self.var_ = np.zeros(shape, dtype=X.dtype)
            self.class_count_ = np.zeros(n_classes, dtype=X.dtype)
            self.class_prior_ = self._given_prior(X.dtype)
        self.epsilon_ = X.dtype.type(self.var_smoothing * fit["largest_variance"])
        self._merge(fit, first)
        if self.priors is None:
            with np.errstate(invalid="ignore"):
                self.class_prior_ = self.class_count_ / self.class_count_.sum()
        return self

    def _merge(self, fit: dict[str, Any], first: bool) -> None:
        """Add the batch's moments to those of before."""
        dtype = self.theta_.dtype
        before = self.class_count_.astype(np.float64)[:, None]
        variance = self.var_.astype(np.float64)
        if not first:
            variance = variance - self.epsilon_
        mean, new = self.theta_.astype(np.float64), fit["weight"][:, None]
        counted = (fit["n_rows"] > 0) & ~np.isclose(fit["weight"], 0.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            total = before + new
            merged_mean = (before * mean + new * fit["mean"]) / total
            off = (mean - fit["mean"]) ** 2
            squares = before * variance + new * fit["variance"] + before * new / total * off
            merged_variance = squares / total
        fresh = before == 0
        merged_mean = np.where(fresh, fit["mean"], merged_mean)
        merged_variance = np.where(fresh, fit["variance"], merged_variance)
        with np.errstate(over="ignore"):
            self.theta_ = np.where(counted[:, None], merged_mean, mean).astype(dtype)
            self.var_ = (
                np.where(counted[:, None], merged_variance, variance) + self.epsilon_
            ).astype(dtype)
        self.class_count_ = (self.class_count_ + fit["weight"]).astype(dtype)

    def _given_prior(self, dtype: Any) -> np.ndarray:
        if self.priors is None:
            return np.zeros(len(self.classes_), dtype=dtype)
        priors = np.asarray(self.priors, dtype=dtype)
        if priors.shape[0] != len(self.classes_):
            raise ValueError("Number of priors must match number of classes.")
        if not np.isclose(priors.sum(), 1.0):
            raise ValueError("The sum of the priors should be 1.")
        if np.any(priors < 0):
            raise ValueError("Priors must be non-negative.")
        return priors

    def _answer(self, X: Any, output: str) -> Any:
        X = validate_predict(self, X, order=None, ensure_all_finite=False)
        if X.dtype != self.theta_.dtype:
            X = X.astype(np.float64, copy=False)
        answer, finite = kernel("naive_bayes.gaussian_nb_predict")(
            X,
            np.asarray(self.theta_, dtype=np.float64),
            np.asarray(self.var_, dtype=np.float64),
            np.asarray(self.class_prior_, dtype=np.float64),
            output,
        )
        if not finite:
            assert_all_finite(X, input_name="X", estimator_name="GaussianNB")
        return answer
