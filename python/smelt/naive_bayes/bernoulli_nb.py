"""Bernoulli naive Bayes: each feature is there or not."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from smelt.naive_bayes._base import DiscreteNaiveBayes


class BernoulliNB(DiscreteNaiveBayes):
    r"""Classification by which features are there and which are not.

    .. math::

        \ln P(x, c) = \ln P(c) + \sum_j x_j \ln p_{cj} + (1 - x_j) \ln (1 - p_{cj}), \qquad
        p_{cj} = \frac{N_{cj} + \alpha_j}{N_c + 2 \alpha_j}

    with the weight :math:`N_c` of class c, of which :math:`N_{cj}` has feature j.

    Parameters
    ----------
    alpha : float or array-like of shape (n_features,), default=1.0
        Smoothing, at least 0, one for all features or one each.
    force_alpha : bool, default=True
        If False, an alpha below 1e-10 becomes 1e-10, with a warning.
    binarize : float or None, default=0.0
        Values above it are features that are there; at least 0.  None takes X as it is.
    fit_prior : bool, default=True
        Whether P(c) is the share of the class's weight; if False it is the same for all.
    class_prior : array-like of shape (n_classes,), default=None
        P(c), instead of learning it.

    Attributes
    ----------
    class_count_ : ndarray of shape (n_classes,)
        Weight of each class.
    class_log_prior_ : ndarray of shape (n_classes,)
        ln P(c).
    classes_ : ndarray of shape (n_classes,)
        Classes.
    feature_count_ : ndarray of shape (n_classes, n_features)
        Weight of the rows of each class that have the feature.
    feature_log_prob_ : ndarray of shape (n_classes, n_features)
        ln p.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where X has them.

    Raises
    ------
    ValueError
        If X holds NaN or infinity, or y has a class that the first call of ``partial_fit`` did not
        name (scikit-learn leaves such rows out, or counts them wrongly).

    Notes
    -----
    Cost: one reading of the entries of X and k·d logarithms in ``fit``; two operations for each
    entry and class in prediction, since absent features are summed beforehand.

    An alpha for each feature smooths each feature by its own; scikit-learn 1.9 fails there.

    References
    ----------
    Manning, Raghavan and Schütze (2008), Introduction to Information Retrieval, section 13.3.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.naive_bayes import BernoulliNB
    >>> X = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1]])
    >>> BernoulliNB().fit(X, [0, 0, 1, 1]).predict_proba([[1, 0, 0]]).round(2)
    array([[0.9, 0.1]])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **DiscreteNaiveBayes._parameter_constraints,
        "binarize": [None, Interval(Real, 0, None, closed="left")],
    }
    _algorithm: ClassVar[str] = "bernoulli_nb"
    _non_negative: ClassVar[bool] = False
    _look_first: ClassVar[bool] = True  # what is above the threshold or not is always finite

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        force_alpha: bool = True,
        binarize: float | None = 0.0,
        fit_prior: bool = True,
        class_prior: Any = None,
    ):
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.binarize = binarize
        self.fit_prior = fit_prior
        self.class_prior = class_prior

    def _options(self) -> dict[str, Any]:
        return {"threshold": None if self.binarize is None else float(self.binarize)}

    def _predict_options(self) -> dict[str, Any]:
        return self._options()
