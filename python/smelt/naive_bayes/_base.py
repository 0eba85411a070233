"""What naive Bayes models share: classes, priors, smoothing, and the four ways to predict."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils import assert_all_finite
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
)

from smelt._kernel import kernel
from smelt._validate import (
    classes_and_codes,
    nothing_lost,
    sparse_arrays,
    validate_fit,
    validate_predict,
    validate_weight,
)


class NaiveBayes(ClassifierMixin, BaseEstimator):
    """Base of all naive Bayes models; a member gives ``_answer(X, output)``."""

    classes_: Any
    n_features_in_: int

    def _answer(self, X: Any, output: str) -> Any:
        raise NotImplementedError

    def predict(self, X: Any) -> Any:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,)
            Classes.
        """
        labels = self._answer(X, "label")
        return self.classes_[labels]

    def predict_joint_log_proba(self, X: Any) -> Any:
        """Return ln P(x, class).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Joint log-probabilities, in the order of ``classes_``.
        """
        return self._answer(X, "joint_log_proba")

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Logarithms of probabilities, in the order of ``classes_``.
        """
        return self._answer(X, "log_proba")

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        return self._answer(X, "proba")

    def _codes(self, y: Any, refit: bool) -> np.ndarray:
        """Return the position of each row's class; a refit finds the classes."""
        if refit:
            if y.dtype.kind not in "biuUS":  # those are classes
                check_classification_targets(y if y.dtype.kind == "f" else y[:16])
            self.classes_, codes = classes_and_codes(y)
            return codes
        codes = np.searchsorted(self.classes_, y)
        codes = np.minimum(codes, len(self.classes_) - 1).astype(np.int32)
        strange = self.classes_[codes] != y
        if np.any(strange):
            raise ValueError(
                f"The target label(s) {np.unique(y[strange])} in y do not exist in the initial"
                f" classes {self.classes_}"
            )
        return codes

    def _begin(self, classes: Any, refit: bool) -> bool:
        """Return whether this call begins anew; check the classes of ``partial_fit``."""
        return refit or bool(_check_partial_fit_first_call(self, classes))


class DiscreteNaiveBayes(NaiveBayes):
    """Base of models that count features within classes."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
        "fit_prior": ["boolean"],
        "class_prior": ["array-like", None],
        "force_alpha": ["boolean"],
    }
    _algorithm: ClassVar[str]
    _non_negative: ClassVar[bool] = True
    # Whether X is looked through for NaN beforehand; else sums that are not finite show it.
    _look_first: ClassVar[bool] = False

    alpha: Any
    force_alpha: bool
    fit_prior: bool
    class_prior: Any
    class_count_: np.ndarray
    class_log_prior_: np.ndarray
    feature_count_: np.ndarray
    feature_log_prob_: Any

    @_fit_context(prefer_skip_nested_validation=True)
    @nothing_lost
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,)
            Classes: numbers or strings.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self
            The fitted estimator.
        """
        return self._learn(X, y, None, sample_weight, refit=True)

    @_fit_context(prefer_skip_nested_validation=True)
    @nothing_lost
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Add a batch of rows to what was learned.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,)
            Classes, all of them among those of the first call.
        classes : array-like of shape (n_classes,), default=None
            All classes there will ever be; needed at the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self
            The fitted estimator.
        """
        return self._learn(X, y, classes, sample_weight, refit=False)

    def _learn(self, X: Any, y: Any, classes: Any, sample_weight: Any, *, refit: bool) -> Any:
        first = refit or not hasattr(self, "classes_")
        X, y = self._validated(X, y, first)
        first = self._begin(classes, refit)
        codes = self._codes(y, refit)
        weight = validate_weight(sample_weight, X, allow_negative=True)
        self._count(X, codes, weight, first)
        self._update_prior()
        return self

    def _validated(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        return validate_fit(
            self, X, y, accept_sparse="csr", reset=reset, ensure_all_finite=self._look_first
        )

    def _count(self, X: Any, codes: np.ndarray, weight: Any, first: bool) -> None:
        """Set counts and what comes of them; counts of earlier calls are added to."""
        before = (None, None) if first else (self.feature_count_, self.class_count_)
        fit = kernel(f"naive_bayes.{self._algorithm}_fit")(
            sparse_arrays(X) if sp.issparse(X) else X,
            codes,
            weight,
            *before,
            n_classes=len(self.classes_),
            alpha=self._smoothing(X.shape[1]),
            **self._options(),
        )
        if not np.isfinite(fit["feature_count"].sum()):
            self._refuse_infinite(X)
        if fit["negative"] and self._non_negative:
            name = type(self).__name__
            raise ValueError(f"Negative values in data passed to {name} (input X).")
        self.class_count_ = fit["class_count"]
        self.feature_count_ = fit["feature_count"]
        self.feature_log_prob_ = fit["feature_log_prob"]

    def _options(self) -> dict[str, Any]:
        """Return further parameters of the kernel."""
        return {}

    def _refuse_infinite(self, X: Any) -> None:
        values = X.data if sp.issparse(X) else X
        assert_all_finite(values, input_name="X", estimator_name=type(self).__name__)

    def _smoothing(self, n_features: int) -> list[float]:
        """Return alpha as a list of 1 or one value a feature."""
        if isinstance(self.alpha, Real):
            alpha = np.array([float(self.alpha)])
        else:
            alpha = np.asarray(self.alpha, dtype=np.float64)
            if alpha.ndim != 1 or alpha.shape[0] != n_features:
                raise ValueError(
                    "When alpha is an array, it should contains `n_features`. "
                    f"Got {alpha.shape[0] if alpha.ndim else 1} elements instead of {n_features}."
                )
            if np.min(alpha) < 0:
                raise ValueError("All values in alpha must be greater than 0.")
            assert_all_finite(alpha, input_name="alpha")
        least = 1e-10
        if np.min(alpha) < least and not self.force_alpha:
            warnings.warn(
                "alpha too small will result in numeric errors, setting alpha ="
                f" {least:.1e}. Use `force_alpha=True` to keep alpha unchanged.",
                stacklevel=6,
            )
            alpha = np.maximum(alpha, least)
        return alpha.tolist()  # type: ignore[no-any-return]

    def _update_prior(self) -> None:
        n_classes = len(self.classes_)
        with np.errstate(divide="ignore", invalid="ignore"):  # classes that were not seen yet
            if self.class_prior is not None:
                prior = np.asarray(self.class_prior, dtype=np.float64)
                if len(prior) != n_classes:
                    raise ValueError("Number of priors must match number of classes.")
                self.class_log_prior_ = np.log(prior)
            elif self.fit_prior:
                total = self.class_count_.sum()
                self.class_log_prior_ = np.log(self.class_count_) - np.log(total)
            else:
                self.class_log_prior_ = np.full(n_classes, -np.log(n_classes))

    def _answer(self, X: Any, output: str) -> Any:
        X = validate_predict(
            self, X, accept_sparse="csr", order=None, ensure_all_finite=self._look_first
        )
        answer, finite = kernel(f"naive_bayes.{self._algorithm}_predict")(
            sparse_arrays(X) if sp.issparse(X) else X,
            self.feature_log_prob_,
            self._constants(),
            output,
            **self._predict_options(),
        )
        if not finite:
            self._refuse_infinite(X)
        return answer

    def _constants(self) -> np.ndarray:
        return self.class_log_prior_

    def _predict_options(self) -> dict[str, Any]:
        return {}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = self._non_negative
        tags.classifier_tags.poor_score = True
        return tags
