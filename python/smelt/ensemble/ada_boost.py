"""AdaBoost of any estimator, and of trees by one kernel."""

from __future__ import annotations

from numbers import Integral
from typing import Any
from warnings import warn

import numpy as np
from sklearn.base import _fit_context, is_classifier, is_regressor
from sklearn.ensemble import AdaBoostClassifier as _Classifier
from sklearn.ensemble import AdaBoostRegressor as _Regressor
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import _raise_for_unsupported_routing
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_is_fitted,
    column_or_1d,
    has_fit_parameter,
    validate_data,
)

from smelt._kernel import kernel
from smelt._validate import nothing_lost
from smelt.ensemble._members import Members, columns
from smelt.tree._base_tree import LARGEST_SEED, by_column, by_row
from smelt.tree._nodes import predicting, shaped
from smelt.tree._targets import check_poisson, encode_classes, kernel_targets
from smelt.tree.decision_tree import DecisionTreeClassifier, DecisionTreeRegressor


class _Boosted(Members):
    """Fits and predicts trees by kernels."""

    estimator: Any
    loss = "linear"

    @_fit_context(prefer_skip_nested_validation=False)
    @nothing_lost
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit one member after the other.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.  For trees of smelt sparse input stays sparse until its columns become
            codes: 1 byte a value, 2 or 4 where a column has more than 255 or 65,535 different ones.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative; None is the same for all.

        Returns
        -------
        object
            The fitted estimator itself.
        """
        if not self._grows_trees():
            self._forget("nodes_", "_seeds")
            return super().fit(X, y, sample_weight)  # type: ignore[misc]
        self._forget("_fitted", "_kind")
        _raise_for_unsupported_routing(self, "fit", sample_weight=sample_weight)
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            ensure_2d=True,
            allow_nd=True,
            dtype=None,
            y_numeric=is_regressor(self),
        )
        sample_weight = _check_sample_weight(
            sample_weight, X, dtype=np.float64, copy=True, ensure_non_negative=True
        )
        self._boost_trees(columns(X), column_or_1d(y), sample_weight / sample_weight.sum())
        return self

    def _boost_trees(self: Any, X: Any, y: np.ndarray, sample_weight: np.ndarray) -> None:
        self._check_missing(X)
        y = y.reshape(-1, 1)
        if is_classifier(self):
            y = encode_classes(self, y)
        elif self._get_estimator().criterion == "poisson":
            check_poisson(y)
        targets = kernel_targets(self, y)
        random_state = self.random_state
        if not isinstance(random_state, Integral):
            random_state = check_random_state(random_state).randint(LARGEST_SEED)
        fit = kernel("ensemble.ada_boost_fit")(
            by_column(X),
            targets,
            sample_weight,
            random_state=int(random_state),
            n_estimators=int(self.n_estimators),
            learning_rate=float(self.learning_rate),
            loss=self.loss,
            **self._tree_settings(*X.shape),
        )
        self.estimator_weights_ = np.zeros(self.n_estimators)
        self.estimator_errors_ = np.ones(self.n_estimators)
        weights, errors = fit.pop("weights"), fit.pop("errors")
        self.estimator_weights_[: len(weights)] = weights
        self.estimator_errors_[: len(errors)] = errors
        if fit.pop("overflowed"):
            warn(
                f"Sample weights have reached infinite values, at iteration {len(weights) - 1}, "
                "causing overflow. Iterations stopped. Try lowering the learning rate.",
                stacklevel=3,
            )
        self._seeds = fit.pop("random_states")
        self.nodes_ = shaped(fit, 1)
        if is_classifier(self):
            self.n_classes_, self.classes_ = int(self.n_classes_[0]), self.classes_[0]

    def _random_state_of(self, index: int) -> int:
        return int(self._seeds[index])

    def _rows(self: Any, X: Any) -> Any:
        check_is_fitted(self)
        X = self._check_X(X)
        return by_row(check_array(X, accept_sparse="csr", dtype=np.float32))


class AdaBoostClassifier(_Boosted, _Classifier):
    r"""AdaBoost for classification: members in turn, each on what those before it got wrong.

    The members vote, member :math:`t` with the say

    .. math:: \alpha_t = \eta \left( \ln \frac{1 - e_t}{e_t} + \ln (K - 1) \right)

    for its weighted error :math:`e_t` over :math:`K` classes (SAMME); the weights of the rows that
    it got wrong then grow by the factor :math:`\exp \alpha_t`.  It stops at an error of 0, or of no
    better than chance.  Members that are trees of smelt are grown by one kernel on columns prepared
    once; any other estimator is fitted as scikit-learn does.

    Parameters
    ----------
    estimator : object, default=None
        The member, which takes ``sample_weight``; None is a
        :class:`smelt.tree.DecisionTreeClassifier` of one cut.
    n_estimators : int, default=50
        Most members (1 or more).
    learning_rate : float, default=1.0
        Factor :math:`\eta` of every member's say (above 0).
    random_state : int, RandomState instance or None, default=None
        Draws the members' seeds.  An integer gives scikit-learn's trees of the same integer.

    Attributes
    ----------
    estimator_ : object
        The kind of member.
    estimators_ : list
        The fitted members.
    classes_ : ndarray of shape (n_classes,)
        The classes.
    n_classes_ : int
        Their number.
    estimator_weights_ : ndarray of shape (n_estimators,)
        How much each says; 0 for those that were not needed.
    estimator_errors_ : ndarray of shape (n_estimators,)
        Weighted error of each; 1 for those that were not needed.
    feature_importances_ : ndarray of shape (n_features,)
        Mean of the members' importances, weighted by their say.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if all are strings.
    nodes_ : dict of ndarray
        The nodes of all trees behind each other, where the members are trees of smelt.

    See Also
    --------
    smelt.ensemble.HistGradientBoostingClassifier : Trees that follow the gradient of a loss.

    Notes
    -----
    The kernel grows trees without ``class_weight``, ``min_weight_fraction_leaf``, ``ccp_alpha`` and
    ``monotonic_cst``; trees that have these are fitted as any other estimator.

    References
    ----------
    Zhu, Zou, Rosset, Hastie, "Multi-class AdaBoost", *Statistics and its Interface* 2, 2009.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from smelt.ensemble import AdaBoostClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> AdaBoostClassifier(random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    def _get_estimator(self) -> Any:
        return DecisionTreeClassifier(max_depth=1) if self.estimator is None else self.estimator

    def _validate_estimator(self) -> None:
        self.estimator_ = self._get_estimator()
        if not has_fit_parameter(self.estimator_, "sample_weight"):
            raise ValueError(f"{type(self.estimator).__name__} doesn't support sample_weight.")

    def decision_function(self, X: Any) -> Any:
        """Return the members' votes, weighted by their say.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
            The higher, the more votes; for two classes, above 0 is the second one.
        """
        check_is_fitted(self)
        if not self._grown() or self.n_classes_ == 1:
            return super().decision_function(X)
        # A leaf votes for its class, and against all others.
        says = self.estimator_weights_[: len(self._seeds)]
        best = np.argmax(self.nodes_["value"][:, 0, :], axis=1)
        say = np.repeat(says, np.diff(self.nodes_["offsets"]))
        against = -1 / (self.n_classes_ - 1) * say
        votes = np.tile(against[:, None], (1, self.n_classes_))
        votes[np.arange(len(best)), best] = say
        trees = predicting({**self.nodes_, "value": votes})
        votes = kernel("tree.tree_predict")(self._rows(X), trees) * len(says)
        votes /= self.estimator_weights_.sum()
        return votes[:, 1] - votes[:, 0] if self.n_classes_ == 2 else votes


class AdaBoostRegressor(_Boosted, _Regressor):
    r"""AdaBoost for regression: members in turn, each on what those before it got wrong.

    Member :math:`t` learns from rows drawn by their weights; with its mean loss :math:`e_t`, from 0
    to 1, and :math:`\beta_t = e_t / (1 - e_t)`, its say is :math:`\eta \ln (1 / \beta_t)`, and the
    weight of a row with loss :math:`l` changes by the factor :math:`\beta_t^{\eta (1 - l)}`
    (AdaBoost.R2).  The answer is the median of the members', weighted by their say.  It stops at an
    error of 0, or of 0.5 and more.  Members that are trees of smelt are grown by one kernel on
    columns prepared once; any other estimator is fitted as scikit-learn does.

    Parameters
    ----------
    estimator : object, default=None
        The member; None is a :class:`smelt.tree.DecisionTreeRegressor` of three levels.
    n_estimators : int, default=50
        Most members (1 or more).
    learning_rate : float, default=1.0
        Factor :math:`\eta` of every member's say (above 0).
    loss : {"linear", "square", "exponential"}, default="linear"
        Loss of a row, from its error as a share of the largest.
    random_state : int, RandomState instance or None, default=None
        Draws rows and the members' seeds, with an integer as scikit-learn does.

    Attributes
    ----------
    estimator_ : object
        The kind of member.
    estimators_ : list
        The fitted members.
    estimator_weights_ : ndarray of shape (n_estimators,)
        How much each says; 0 for those that were not needed.
    estimator_errors_ : ndarray of shape (n_estimators,)
        Mean loss of each; 1 for those that were not needed.
    feature_importances_ : ndarray of shape (n_features,)
        Mean of the members' importances, weighted by their say.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if all are strings.
    nodes_ : dict of ndarray
        The nodes of all trees behind each other, where the members are trees of smelt.

    See Also
    --------
    smelt.ensemble.HistGradientBoostingRegressor : Trees that follow the gradient of a loss.

    Notes
    -----
    Small nodes often have several cuts that are equally good but for rounding; scikit-learn may
    then take another, and the members after it differ too.

    The kernel grows trees with the criteria "squared_error" and "poisson" and without
    ``min_samples_split``, ``min_samples_leaf``, ``min_weight_fraction_leaf``, ``ccp_alpha`` and
    ``monotonic_cst``; trees that have these are fitted as any other estimator.

    References
    ----------
    Drucker, "Improving regressors using boosting techniques", *ICML* 1997.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from smelt.ensemble import AdaBoostRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> AdaBoostRegressor(random_state=0).fit(X, y).score(X, y) > 0.5
    True
    """

    def _get_estimator(self) -> Any:
        return DecisionTreeRegressor(max_depth=3) if self.estimator is None else self.estimator

    def _validate_estimator(self) -> None:
        self.estimator_ = self._get_estimator()

    def _grows_trees(self) -> bool:
        # A row drawn twice is one row of weight 2 here: rules that count rows would differ.
        return (
            super()._grows_trees()
            and (tree := self._get_estimator()).criterion in ("squared_error", "poisson")
            and tree.min_samples_split == 2
            and tree.min_samples_leaf == 1
        )

    def _get_median_predict(self, X: Any, limit: int) -> Any:
        if not self._grown():
            return super()._get_median_predict(X, limit)
        X = by_row(check_array(X, accept_sparse="csr", dtype=np.float32))
        leaves = kernel("tree.tree_apply")(X, predicting(self.nodes_))[:, :limit]
        answers = self.nodes_["value"][leaves + self.nodes_["offsets"][:limit], 0, 0]
        order = np.argsort(answers, axis=1)
        says = np.cumsum(self.estimator_weights_[order], axis=1)
        middle = (says >= 0.5 * says[:, -1:]).argmax(axis=1)
        row = np.arange(len(answers))
        return answers[row, order[row, middle]]
