"""Multinomial naive Bayes: a row is a bag of counts drawn from its class."""

from __future__ import annotations

from typing import Any, ClassVar

from smelt.naive_bayes._base import DiscreteNaiveBayes


class MultinomialNB(DiscreteNaiveBayes):
    r"""Classification of counts, such as words, by Bayes' theorem.

    .. math::

        \ln P(x, c) = \ln P(c) + \sum_j x_j \ln P(j \mid c), \qquad
        P(j \mid c) = \frac{N_{cj} + \alpha_j}{\sum_i (N_{ci} + \alpha_i)}

    with the weighted sum :math:`N_{cj}` of feature j over the rows of class c.

    Parameters
    ----------
    alpha : float or array-like of shape (n_features,), default=1.0
        Smoothing, at least 0, one for all features or one each.
    force_alpha : bool, default=True
        If False, an alpha below 1e-10 becomes 1e-10, with a warning.
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
        N.
    feature_log_prob_ : ndarray of shape (n_classes, n_features)
        ln P(j | c).
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where X has them.

    Raises
    ------
    ValueError
        If X holds negative values, NaN or infinity, or y has a class that the first call of
        ``partial_fit`` did not name (scikit-learn leaves such rows out, or counts them wrongly).

    Notes
    -----
    Cost: one reading of the entries of X and k·d logarithms in ``fit``; two operations for each
    entry and class in prediction.  Both run in parallel, with the same bits on any number of
    threads, and take dense and sparse X.

    References
    ----------
    Manning, Raghavan and Schütze (2008), Introduction to Information Retrieval, chapter 13.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.naive_bayes import MultinomialNB
    >>> X = np.array([[2, 1, 0], [3, 0, 0], [0, 1, 4], [0, 0, 3]])
    >>> model = MultinomialNB().fit(X, ["sport", "sport", "law", "law"])
    >>> model.predict([[1, 1, 0]])
    array(['sport'], dtype='<U5')
    """

    _algorithm: ClassVar[str] = "multinomial_nb"

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        force_alpha: bool = True,
        fit_prior: bool = True,
        class_prior: Any = None,
    ):
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior
