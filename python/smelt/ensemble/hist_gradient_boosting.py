"""Gradient boosting on histograms: regressor and classifier."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import compute_sample_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.extmath import softmax
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from smelt.ensemble._base_boosting import BaseHistGradientBoosting


class HistGradientBoostingRegressor(RegressorMixin, BaseHistGradientBoosting):
    """Gradient boosting of histogram-based regression trees."""

    _parameter_constraints: dict[str, Any] = {  # noqa: RUF012
        **BaseHistGradientBoosting._parameter_constraints,
        "loss": [
            StrOptions({"squared_error", "absolute_error", "poisson", "gamma", "quantile"}),
        ],
        "quantile": [Interval(Real, 0, 1, closed="both"), None],
    }

    def __init__(
        self,
        loss="squared_error",
        *,
        quantile=None,
        learning_rate=0.1,
        max_iter=100,
        max_leaf_nodes=31,
        max_depth=None,
        min_samples_leaf=20,
        l2_regularization=0.0,
        max_features=1.0,
        max_bins=255,
        categorical_features="from_dtype",
        monotonic_cst=None,
        interaction_cst=None,
        warm_start=False,
        early_stopping="auto",
        scoring="loss",
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-7,
        verbose=0,
        random_state=None,
        subsample=1.0,
    ):
        self.loss = loss
        self.quantile = quantile
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_features = max_features
        self.max_bins = max_bins
        self.categorical_features = categorical_features
        self.monotonic_cst = monotonic_cst
        self.interaction_cst = interaction_cst
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.subsample = subsample

    def _encode_y(self, y: Any) -> np.ndarray:
        self.n_trees_per_iteration_ = 1
        y = np.ascontiguousarray(y, dtype=np.float64)
        if self.loss == "gamma" and not (y > 0).all():
            raise ValueError("loss='gamma' requires strictly positive y.")
        if self.loss == "poisson" and not ((y >= 0).all() and y.sum() > 0):
            raise ValueError("loss='poisson' requires non-negative y and sum(y) > 0.")
        return y

    _encode_y_val = _encode_y

    def _loss_parameters(self) -> dict[str, Any]:
        return {"loss": self.loss, "quantile": self.quantile, "n_classes": 0}

    def _link(self, raw: np.ndarray) -> np.ndarray:
        raw = raw.ravel()
        return np.exp(raw) if self.loss in ("gamma", "poisson") else raw

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict for.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predicted targets.
        """
        check_is_fitted(self)
        return self._link(self._raw_predict(X))

    def staged_predict(self, X):
        """Predict targets after each iteration.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict for.

        Yields
        ------
        ndarray of shape (n_samples,)
            Predicted targets with the trees so far.
        """
        for raw in self._staged_raw_predict(X):
            yield self._link(raw)


class HistGradientBoostingClassifier(ClassifierMixin, BaseHistGradientBoosting):
    """Gradient boosting of histogram-based classification trees."""

    _parameter_constraints: dict[str, Any] = {  # noqa: RUF012
        **BaseHistGradientBoosting._parameter_constraints,
        "loss": [StrOptions({"log_loss"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        loss="log_loss",
        *,
        learning_rate=0.1,
        max_iter=100,
        max_leaf_nodes=31,
        max_depth=None,
        min_samples_leaf=20,
        l2_regularization=0.0,
        max_features=1.0,
        max_bins=255,
        categorical_features="from_dtype",
        monotonic_cst=None,
        interaction_cst=None,
        warm_start=False,
        early_stopping="auto",
        scoring="loss",
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-7,
        verbose=0,
        random_state=None,
        class_weight=None,
        subsample=1.0,
    ):
        self.loss = loss
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_features = max_features
        self.max_bins = max_bins
        self.categorical_features = categorical_features
        self.monotonic_cst = monotonic_cst
        self.interaction_cst = interaction_cst
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.class_weight = class_weight
        self.subsample = subsample

    def _encode_y(self, y: Any) -> np.ndarray:
        check_classification_targets(y)
        self._label_encoder = LabelEncoder()
        codes = self._label_encoder.fit_transform(y)
        self.classes_ = self._label_encoder.classes_
        n_classes = len(self.classes_)
        self.n_trees_per_iteration_ = 1 if n_classes <= 2 else n_classes
        return codes.astype(np.float64)

    def _encode_y_val(self, y: Any) -> np.ndarray:
        return self._label_encoder.transform(y).astype(np.float64)

    def _finalize_sample_weight(self, sample_weight: Any, y: Any) -> Any:
        if self.class_weight is None:
            return sample_weight
        weight = compute_sample_weight(self.class_weight, self.classes_[y.astype(int)])
        return weight if sample_weight is None else weight * sample_weight

    def _loss_parameters(self) -> dict[str, Any]:
        return {"loss": self.loss, "quantile": None, "n_classes": len(self.classes_)}

    def _decide(self, raw: np.ndarray) -> np.ndarray:
        codes = (raw[:, 0] > 0).astype(int) if raw.shape[1] == 1 else raw.argmax(axis=1)
        return self.classes_[codes]

    @staticmethod
    def _probabilities(raw: np.ndarray) -> np.ndarray:
        if raw.shape[1] > 1:
            return softmax(raw)
        proba = np.empty((len(raw), 2))
        proba[:, 1] = expit(raw[:, 0])
        proba[:, 0] = 1 - proba[:, 1]
        return proba

    def predict(self, X):
        """Predict classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict for.

        Returns
        -------
        ndarray of shape (n_samples,)
            The most probable class of each row.
        """
        check_is_fitted(self)
        return self._decide(self._raw_predict(X))

    def predict_proba(self, X):
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict for.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        check_is_fitted(self)
        return self._probabilities(self._raw_predict(X))

    def decision_function(self, X):
        """Compute the raw predictions, the sums of the trees.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict for.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Log-odds of the second of two classes, else one value for each class.
        """
        check_is_fitted(self)
        raw = self._raw_predict(X)
        return raw.ravel() if raw.shape[1] == 1 else raw

    def staged_predict(self, X):
        """Predict classes after each iteration.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict for.

        Yields
        ------
        ndarray of shape (n_samples,)
            Classes with the trees so far.
        """
        for raw in self._staged_raw_predict(X):
            yield self._decide(raw)

    def staged_predict_proba(self, X):
        """Predict the probabilities of the classes after each iteration.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict for.

        Yields
        ------
        ndarray of shape (n_samples, n_classes)
            Probabilities with the trees so far.
        """
        for raw in self._staged_raw_predict(X):
            yield self._probabilities(raw)

    def staged_decision_function(self, X):
        """Compute the raw predictions after each iteration.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict for.

        Yields
        ------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Sums of the trees so far.
        """
        for raw in self._staged_raw_predict(X):
            yield raw.ravel() if raw.shape[1] == 1 else raw
