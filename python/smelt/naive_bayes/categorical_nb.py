"""Categorical naive Bayes: each feature is one of several categories."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from smelt._kernel import kernel
from smelt._validate import canonical
from smelt.naive_bayes._base import DiscreteNaiveBayes


class CategoricalNB(DiscreteNaiveBayes):
    r"""Classification of codes 0, 1, 2, …, each feature drawn from categories of its class.

    .. math::

        \ln P(x, c) = \ln P(c) + \sum_j \ln P(x_j \mid c), \qquad
        P(t \mid c) = \frac{N_{cjt} + \alpha}{\sum_s (N_{cjs} + \alpha)}

    with the weight :math:`N_{cjt}` of the rows of class c whose feature j is category t.

    Parameters
    ----------
    alpha : float, default=1.0
        Smoothing, at least 0.
    force_alpha : bool, default=True
        If False, an alpha below 1e-10 becomes 1e-10, with a warning.
    fit_prior : bool, default=True
        Whether P(c) is the share of the class's weight; if False it is the same for all.
    class_prior : array-like of shape (n_classes,), default=None
        P(c), instead of learning it.
    min_categories : int or array-like of shape (n_features,), default=None
        Least number of categories of the features, at least 1.

    Attributes
    ----------
    category_count_ : list of n_features ndarrays of shape (n_classes, n_categories)
        N.
    class_count_ : ndarray of shape (n_classes,)
        Weight of each class.
    class_log_prior_ : ndarray of shape (n_classes,)
        ln P(c).
    classes_ : ndarray of shape (n_classes,)
        Classes.
    feature_log_prob_ : list of n_features ndarrays of shape (n_classes, n_categories)
        ln P(t | c).
    n_categories_ : ndarray of shape (n_features,)
        Number of categories of each feature, over all calls.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where X has them.

    Raises
    ------
    ValueError
        If X holds negative codes, NaN or infinity, codes so large that the counts would take over
        16 GB, or y has a class that the first call of ``partial_fit`` did not name.
    IndexError
        In prediction, of a category that was not seen in fit.

    Notes
    -----
    Cost: two readings of X in ``fit``; one addition for each entry and class in prediction.

    ``n_categories_`` counts the categories of all batches; scikit-learn's forgets those that the
    last one does not reach.

    References
    ----------
    Manning, Raghavan and Schütze (2008), Introduction to Information Retrieval, chapter 13.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.naive_bayes import CategoricalNB
    >>> X = np.array([[0, 2], [0, 1], [1, 0], [1, 0]])
    >>> model = CategoricalNB().fit(X, ["no", "no", "yes", "yes"])
    >>> model.predict([[0, 1]])
    array(['no'], dtype='<U3')
    >>> model.n_categories_
    array([2, 3])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **DiscreteNaiveBayes._parameter_constraints,
        "min_categories": [None, "array-like", Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
    }
    _algorithm: ClassVar[str] = "categorical_nb"

    category_count_: list[np.ndarray]

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        force_alpha: bool = True,
        fit_prior: bool = True,
        class_prior: Any = None,
        min_categories: Any = None,
    ):
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.min_categories = min_categories

    def _validated(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        X, y = validate_data(self, X, y, dtype=np.int64, reset=reset)
        return canonical(X), y

    def _count(self, X: Any, codes: np.ndarray, weight: Any, first: bool) -> None:
        before = None if first else np.concatenate(self.category_count_, axis=1)
        n_before = [0] * X.shape[1] if first else [c.shape[1] for c in self.category_count_]
        fit = kernel("naive_bayes.categorical_nb_fit")(
            X,
            codes,
            weight,
            before,
            n_classes=len(self.classes_),
            alpha=self._smoothing(X.shape[1])[0],
            min_categories=self._least_categories(X.shape[1]),
            n_before=n_before,
        )
        if fit["negative"]:
            raise ValueError("Negative values in data passed to CategoricalNB (input X).")
        self.n_categories_ = fit["n_categories"]
        counts = fit["class_count"]
        self.class_count_ = counts if first else self.class_count_ + counts
        borders = np.cumsum(self.n_categories_)[:-1]
        for name in ("category_count", "feature_log_prob"):
            parts = np.split(fit[name], borders, axis=1)
            setattr(self, f"{name}_", [np.ascontiguousarray(part) for part in parts])

    def _least_categories(self, n_features: int) -> list[int]:
        if self.min_categories is None:
            return [1] * n_features
        least = np.asarray(self.min_categories)
        if not np.issubdtype(least.dtype, np.signedinteger):
            raise ValueError(
                f"'min_categories' should have integral type. Got {least.dtype} instead."
            )
        if least.shape not in ((), (n_features,)):
            raise ValueError(
                f"'min_categories' should have shape ({n_features},) when an array-like is "
                f"provided. Got {least.shape} instead."
            )
        return np.broadcast_to(least, n_features).tolist()  # type: ignore[no-any-return]

    def _answer(self, X: Any, output: str) -> Any:
        plain = type(X) is np.ndarray and X.dtype == np.int64 and X.flags.c_contiguous
        known = X.shape[1:] == (getattr(self, "n_features_in_", -1),) if plain else False
        if not known or hasattr(self, "feature_names_in_"):
            check_is_fitted(self)
            X = canonical(validate_data(self, X, dtype=np.int64, reset=False))
        if len(X) == 0:
            X = validate_data(self, X, dtype=np.int64, reset=False)  # says that it is empty
        widths = np.array([table.shape[1] for table in self.feature_log_prob_])
        if np.min(X) < 0:
            raise ValueError("Negative values in data passed to CategoricalNB (input X).")
        try:
            answer, _ = kernel("naive_bayes.categorical_nb_predict")(
                X,
                np.concatenate(self.feature_log_prob_, axis=1),
                self.class_log_prior_,
                widths,
                output,
            )
        except ValueError as error:
            if "out of bounds" in str(error):
                raise IndexError(str(error)) from None
            raise
        return answer

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.sparse = False
        return tags
