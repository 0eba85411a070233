"""Complement naive Bayes: a class is judged by the words of all others."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from smelt.naive_bayes._base import DiscreteNaiveBayes


class ComplementNB(DiscreteNaiveBayes):
    r"""Classification of counts by how little a row looks like the other classes.

    .. math::

        w_{cj} = -\ln \frac{M_{cj}}{\sum_i M_{ci}}, \qquad
        M_{cj} = \alpha_j + \sum_{c' \ne c} N_{c'j}, \qquad
        \hat c = \arg\max_c \sum_j x_j w_{cj}

    with the weighted sum :math:`N_{cj}` of feature j over the rows of class c.  Where classes
    differ much in size, the others together say more about a word than a small class does.

    Parameters
    ----------
    alpha : float or array-like of shape (n_features,), default=1.0
        Smoothing, at least 0, one for all features or one each.
    force_alpha : bool, default=True
        If False, an alpha below 1e-10 becomes 1e-10, with a warning.
    fit_prior : bool, default=True
        Only used where there is a single class.
    class_prior : array-like of shape (n_classes,), default=None
        Only used where there is a single class.
    norm : bool, default=False
        Whether the logarithms of a class are divided by their sum, as the paper has it.

    Attributes
    ----------
    class_count_ : ndarray of shape (n_classes,)
        Weight of each class.
    class_log_prior_ : ndarray of shape (n_classes,)
        ln P(c), only used where there is a single class.
    classes_ : ndarray of shape (n_classes,)
        Classes.
    feature_all_ : ndarray of shape (n_features,)
        Weighted sum of each feature over all rows.
    feature_count_ : ndarray of shape (n_classes, n_features)
        N.
    feature_log_prob_ : ndarray of shape (n_classes, n_features)
        Weights w.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where X has them.

    Raises
    ------
    ValueError
        If X holds negative values, NaN or infinity, or y has a class that the first call of
        ``partial_fit`` did not name.

    Notes
    -----
    Cost: as :class:`MultinomialNB`.  ``predict_proba`` normalises scores that are no probabilities,
    as in scikit-learn.

    References
    ----------
    Rennie, Shih, Teevan and Karger (2003), Tackling the poor assumptions of naive Bayes text
    classifiers, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.naive_bayes import ComplementNB
    >>> X = np.array([[2, 1, 0], [3, 0, 0], [0, 1, 4], [0, 0, 3]])
    >>> ComplementNB().fit(X, [0, 0, 1, 1]).predict([[1, 1, 0]])
    array([0])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **DiscreteNaiveBayes._parameter_constraints,
        "norm": ["boolean"],
    }
    _algorithm: ClassVar[str] = "complement_nb"

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        force_alpha: bool = True,
        fit_prior: bool = True,
        class_prior: Any = None,
        norm: bool = False,
    ):
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.norm = norm

    def _options(self) -> dict[str, Any]:
        return {"norm": bool(self.norm)}

    def _count(self, X: Any, codes: np.ndarray, weight: Any, first: bool) -> None:
        super()._count(X, codes, weight, first)
        self.feature_all_ = self.feature_count_.sum(axis=0)

    def _constants(self) -> np.ndarray:
        return self.class_log_prior_ if len(self.classes_) == 1 else np.zeros(len(self.classes_))
