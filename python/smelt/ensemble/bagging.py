"""Bagging of any estimator, and of trees by one kernel."""

from __future__ import annotations

from numbers import Integral
from typing import Any
from warnings import warn

import numpy as np
from sklearn.base import _fit_context, is_classifier
from sklearn.ensemble import BaggingClassifier as _Classifier
from sklearn.ensemble import BaggingRegressor as _Regressor
from sklearn.ensemble._bootstrap import _get_n_samples_bootstrap
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import _raise_for_params
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_is_fitted,
    validate_data,
)

from smelt._kernel import kernel
from smelt._validate import nothing_lost
from smelt.ensemble._members import Members, columns, join_members
from smelt.tree._base_tree import LARGEST_SEED, by_column, by_row
from smelt.tree._nodes import Nodes, predicting, shaped
from smelt.tree._targets import check_poisson, kernel_targets
from smelt.tree.decision_tree import DecisionTreeClassifier, DecisionTreeRegressor


class _Bags(Members):
    """Fits and predicts trees by kernels."""

    _validate_y: Any
    estimator: Any
    warm_start: bool
    bootstrap: bool
    bootstrap_features: bool
    max_features: Any

    @_fit_context(prefer_skip_nested_validation=False)
    @nothing_lost
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_params: Any) -> Any:
        """Fit every member on rows, and perhaps columns, drawn at random.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.  For trees of smelt sparse input stays sparse until its columns become
            codes: 1 byte a value, 2 or 4 where a column has more than 255 or 65,535 different ones.
        y : array-like of shape (n_samples,)
            Targets; for regression, several columns of them too.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative: how likely a row is drawn.
        **fit_params : dict
            For the members' ``fit``, with scikit-learn's metadata routing.

        Returns
        -------
        object
            The fitted estimator itself.
        """
        goes_on = self.warm_start and "_fitted" in vars(self)
        if (self.max_features != 1.0 or self.bootstrap_features) and (
            getattr(self._get_estimator(), "categorical_features", None) is not None
        ):
            raise ValueError(
                "members with categorical_features need all columns: max_features=1.0 and "
                "bootstrap_features=False"
            )
        if fit_params or goes_on or not self._grows_trees():
            self._forget("nodes_")
            return super().fit(X, y, sample_weight, **fit_params)  # type: ignore[misc]
        self._forget("_fitted", "_kind")
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], dtype=None, ensure_all_finite=False,
            multi_output=True,
        )  # fmt: skip
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
            if not self.bootstrap:
                warn(
                    f"When fitting {type(self).__name__} with sample_weight it is recommended to "
                    "use bootstrap=True, got False.",
                    stacklevel=2,
                )
        y = self._validate_y(y)
        self._set_shares(X.shape, sample_weight)
        seeds = self._draw_seeds()
        if len(seeds):
            self._grow(columns(X), y, seeds)
        return self

    def _set_shares(self: Any, shape: tuple[int, int], sample_weight: Any) -> None:
        """Resolve how many rows and columns a member takes."""
        n_samples, n_features = shape
        max_samples = int(_get_n_samples_bootstrap(n_samples, self.max_samples, sample_weight))
        if not self.bootstrap and max_samples > n_samples:
            raise ValueError(
                f"Effective max_samples={max_samples} must be <= n_samples={n_samples} to be able "
                "to sample without replacement."
            )
        max_features = self.max_features
        if not isinstance(max_features, Integral):
            max_features = int(max_features * n_features)
        if max_features > n_features:
            raise ValueError("max_features must be <= n_features")
        if not self.bootstrap and self.oob_score:
            raise ValueError("Out of bag estimation only available if bootstrap=True")
        if self.warm_start and self.oob_score:
            raise ValueError("Out of bag estimate only available if warm_start=False")
        self._n_samples, self._sample_weight = n_samples, sample_weight
        self._max_samples, self._max_features = max_samples, max(1, int(max_features))

    def _draw_seeds(self: Any) -> np.ndarray:
        """Return the seeds of the members still to be grown, as scikit-learn draws them."""
        random_state = check_random_state(self.random_state)
        n_grown = len(self._seeds) if self.warm_start and self._grown() else 0
        n_more = self.n_estimators - n_grown
        if n_more < 0:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be larger or equal to "
                f"len(estimators_)={n_grown} when warm_start==True"
            )
        if n_more == 0:
            warn(
                "Warm-start fitting without increasing n_estimators does not fit new trees.",
                stacklevel=3,
            )
        if n_grown:
            random_state.randint(LARGEST_SEED, size=n_grown)
        return random_state.randint(LARGEST_SEED, size=n_more).astype(np.uint32)

    def _grow(self: Any, X: Any, y: np.ndarray, seeds: np.ndarray) -> None:
        self._check_missing(X)
        y = y.reshape(len(y), -1)
        if not is_classifier(self) and self._get_estimator().criterion == "poisson":
            check_poisson(y)
        targets = (
            (np.ascontiguousarray(y, dtype=np.uint32).ravel(), [int(self.n_classes_)])
            if is_classifier(self)
            else kernel_targets(self, y)
        )
        nodes: Nodes = kernel("ensemble.bagging_fit", n_jobs=self.n_jobs)(
            by_column(X),
            targets,
            self._probabilities(),
            random_states=seeds,
            bag={
                "max_samples": self._max_samples,
                "max_features": self._max_features,
                "bootstrap": self.bootstrap,
                "bootstrap_features": self.bootstrap_features,
            },
            **self._tree_settings(X.shape[0], self._max_features),
        )
        old = [self.nodes_] if self.warm_start and self._grown() else []
        self.nodes_ = join_members([*old, shaped(nodes, y.shape[1])])
        self._seeds = np.concatenate([self._seeds, seeds]) if old else seeds
        self.n_outputs_ = y.shape[1]
        self.estimators_features_ = list(self.nodes_["tree_columns"])
        if self.oob_score:
            self._set_oob_score(X, y if y.shape[1] > 1 else y[:, 0])

    def _probabilities(self: Any) -> np.ndarray | None:
        weight = self._sample_weight
        return None if weight is None else weight / np.sum(weight)

    def _columns_of(self, index: int) -> np.ndarray:
        return self.nodes_["tree_columns"][index]

    def _random_state_of(self, index: int) -> int:
        return int(np.random.RandomState(self._seeds[index]).randint(LARGEST_SEED))

    def _classes_of_trees(self) -> np.ndarray:
        return np.arange(self.n_classes_)

    def _values(self: Any, X: Any) -> np.ndarray:
        """Return the mean values of the leaves: (n_samples, n_outputs, longest value)."""
        check_is_fitted(self)
        X = validate_data(
            self, X, accept_sparse=["csr", "csc"], dtype=None, ensure_all_finite=False, reset=False
        )
        tree = self._get_estimator()
        finite = "allow-nan" if tree._support_missing_values(X) else True
        X = check_array(
            X, accept_sparse="csr", dtype=np.float32, ensure_all_finite=finite, input_name="X"
        )
        predict = kernel("tree.tree_predict", n_jobs=self.n_jobs)
        values = predict(by_row(X), predicting(self.nodes_))
        return values.reshape(X.shape[0], self.nodes_["value"].shape[1], -1)

    def _out_of_bag(self: Any, X: Any) -> tuple[np.ndarray, np.ndarray] | None:
        """Return means and numbers of the trees that a row was not drawn for, by the kernel."""
        if self.bootstrap_features or self._max_features < self.n_features_in_:
            return None
        p = self._probabilities()
        cumulative = None if p is None else np.cumsum(p) / np.cumsum(p)[-1]
        return kernel("ensemble.random_forest_out_of_bag", n_jobs=self.n_jobs)(
            by_row(X), predicting(self.nodes_), self._seeds, self._max_samples, cumulative
        )


class BaggingClassifier(_Bags, _Classifier):
    """Bagging for classification: members on rows, and perhaps columns, drawn at random.

    An estimator that follows its data closely changes with every draw of the rows; the mean of many
    changes less.  Members that are trees of smelt are grown by one kernel side by side, on columns
    prepared once; any other estimator is fitted as scikit-learn does.

    Parameters
    ----------
    estimator : object, default=None
        The member, fitted anew on every bag; None is a :class:`smelt.tree.DecisionTreeClassifier`.
    n_estimators : int, default=10
        Number of members (1 or more).
    max_samples : int or float, default=None
        Rows drawn for each: a number or a share; None draws as many as there are.
    max_features : int or float, default=1.0
        Columns drawn for each: a number or a share.
    bootstrap : bool, default=True
        Whether rows are drawn with replacement.
    bootstrap_features : bool, default=False
        Whether columns are.
    oob_score : bool, default=False
        Whether to score each row by the members that it was not drawn for.
    warm_start : bool, default=False
        Whether a further fit keeps the members and adds those that ``n_estimators`` asks for.
    n_jobs : int, default=None
        Threads; None takes smelt's setting, which is all cores, for trees of smelt.
    random_state : int, RandomState instance or None, default=None
        Draws rows, columns and the members' seeds.  The draws are scikit-learn's.
    verbose : int, default=0
        Passed on to joblib where the members are no trees of smelt.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.
    n_classes_ : int
        Their number.
    estimator_ : object
        The kind of member.
    estimators_ : list
        The fitted members.
    estimators_samples_ : list of ndarray
        Rows drawn for each.
    estimators_features_ : list of ndarray
        Columns drawn for each.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if all are strings.
    oob_score_ : float
        Accuracy of the out-of-bag answers, with ``oob_score``.
    oob_decision_function_ : ndarray of shape (n_samples, n_classes)
        Mean probabilities of the members that a row was not drawn for, with ``oob_score``.
    nodes_ : dict of ndarray
        The nodes of all trees behind each other, where the members are trees of smelt.

    See Also
    --------
    smelt.ensemble.RandomForestClassifier : Trees whose every cut looks at other columns.

    Notes
    -----
    The kernel grows trees without ``class_weight``, ``min_weight_fraction_leaf``, ``ccp_alpha`` and
    ``monotonic_cst``; trees that have these are fitted one after the other.

    References
    ----------
    Breiman, "Bagging predictors", *Machine Learning* 24(2), 1996.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from smelt.ensemble import BaggingClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> BaggingClassifier(random_state=0).fit(X, y).score(X, y) > 0.95
    True
    """

    def _get_estimator(self) -> Any:
        return DecisionTreeClassifier() if self.estimator is None else self.estimator

    def predict_proba(self, X: Any, **params: Any) -> Any:
        """Return the mean of the members' class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        **params : dict
            For the members, with scikit-learn's metadata routing.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        if not self._grown():
            return super().predict_proba(X, **params)
        _raise_for_params(params, self, "predict_proba")
        return self._values(X)[:, 0, :]

    def predict_log_proba(self, X: Any, **params: Any) -> Any:
        """Return the logarithm of the mean of the members' class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        **params : dict
            For the members, with scikit-learn's metadata routing.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Logarithms, in the order of ``classes_``.
        """
        if not self._grown():
            return super().predict_log_proba(X, **params)
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X, **params))

    def _set_oob_score(self, X: Any, y: Any) -> None:
        found = self._out_of_bag(X) if self._grown() else None
        if found is None:
            return super()._set_oob_score(X, y)
        means, counts = found
        if (counts == 0).any():
            warn(
                "Some inputs do not have OOB scores. This probably means too few estimators were "
                "used to compute any reliable oob estimates.",
                stacklevel=4,
            )
        self.oob_decision_function_ = means
        self.oob_score_ = accuracy_score(y, np.argmax(np.nan_to_num(means), axis=1))


class BaggingRegressor(_Bags, _Regressor):
    """Bagging for regression: members on rows, and perhaps columns, drawn at random.

    An estimator that follows its data closely changes with every draw of the rows; the mean of many
    changes less.  Members that are trees of smelt are grown by one kernel side by side, on columns
    prepared once; any other estimator is fitted as scikit-learn does.

    Parameters
    ----------
    estimator : object, default=None
        The member, fitted anew on every bag; None is a :class:`smelt.tree.DecisionTreeRegressor`.
    n_estimators : int, default=10
        Number of members (1 or more).
    max_samples : int or float, default=None
        Rows drawn for each: a number or a share; None draws as many as there are.
    max_features : int or float, default=1.0
        Columns drawn for each: a number or a share.
    bootstrap : bool, default=True
        Whether rows are drawn with replacement.
    bootstrap_features : bool, default=False
        Whether columns are.
    oob_score : bool, default=False
        Whether to score each row by the members that it was not drawn for.
    warm_start : bool, default=False
        Whether a further fit keeps the members and adds those that ``n_estimators`` asks for.
    n_jobs : int, default=None
        Threads; None takes smelt's setting, which is all cores, for trees of smelt.
    random_state : int, RandomState instance or None, default=None
        Draws rows, columns and the members' seeds.  The draws are scikit-learn's.
    verbose : int, default=0
        Passed on to joblib where the members are no trees of smelt.

    Attributes
    ----------
    estimator_ : object
        The kind of member.
    estimators_ : list
        The fitted members.
    estimators_samples_ : list of ndarray
        Rows drawn for each.
    estimators_features_ : list of ndarray
        Columns drawn for each.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if all are strings.
    oob_score_ : float
        R² of the out-of-bag answers, with ``oob_score``.
    oob_prediction_ : ndarray of shape (n_samples,)
        Mean prediction of the members that a row was not drawn for, with ``oob_score``.
    nodes_ : dict of ndarray
        The nodes of all trees behind each other, where the members are trees of smelt.

    See Also
    --------
    smelt.ensemble.RandomForestRegressor : Trees whose every cut looks at other columns.

    Notes
    -----
    Small nodes often have several cuts that are equally good but for rounding; scikit-learn may
    then take another.

    The kernel grows trees without ``min_weight_fraction_leaf``, ``ccp_alpha`` and
    ``monotonic_cst``; trees that have these are fitted one after the other.

    References
    ----------
    Breiman, "Bagging predictors", *Machine Learning* 24(2), 1996.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from smelt.ensemble import BaggingRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> BaggingRegressor(random_state=0).fit(X, y).score(X, y) > 0.8
    True
    """

    def _get_estimator(self) -> Any:
        return DecisionTreeRegressor() if self.estimator is None else self.estimator

    def predict(self, X: Any, **params: Any) -> Any:
        """Return the mean of the members' predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        **params : dict
            For the members, with scikit-learn's metadata routing.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predictions.
        """
        if not self._grown():
            return super().predict(X, **params)
        _raise_for_params(params, self, "predict")
        values = self._values(X)[:, :, 0]
        return values[:, 0] if values.shape[1] == 1 else values

    def _set_oob_score(self, X: Any, y: Any) -> None:
        found = self._out_of_bag(X) if self._grown() else None
        if found is None:
            return super()._set_oob_score(X, y)
        means, counts = found
        if (counts == 0).any():
            warn(
                "Some inputs do not have OOB scores. This probably means too few estimators were "
                "used to compute any reliable oob estimates.",
                stacklevel=4,
            )
        means = np.nan_to_num(means)
        self.oob_prediction_ = means[:, 0] if means.shape[1] == 1 else means
        self.oob_score_ = r2_score(y, self.oob_prediction_)
