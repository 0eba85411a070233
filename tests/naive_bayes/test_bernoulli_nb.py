"""BernoulliNB: what it does not share with MultinomialNB (see test_multinomial_nb.py)."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.naive_bayes
from numpy.testing import assert_allclose

import smelt
from smelt.naive_bayes import BernoulliNB


@pytest.mark.parametrize("engine", ["rust", "plain"])
@pytest.mark.parametrize("binarize", [None, 0.0, 0.4])
@pytest.mark.parametrize("make", [np.array, sp.csr_matrix])
def test_thresholds_equal_scikit_learn(engine, binarize, make):
    rng = np.random.default_rng(0)
    X, y = rng.random((200, 20)) * (rng.random((200, 20)) < 0.5), rng.integers(0, 3, 200)
    X = make(X if binarize is not None else (X > 0).astype(float))
    theirs = sklearn.naive_bayes.BernoulliNB(binarize=binarize).fit(X, y)
    with smelt.config(engine=engine):
        ours = BernoulliNB(binarize=binarize).fit(X, y)
        assert_allclose(ours.feature_log_prob_, theirs.feature_log_prob_, rtol=1e-12)
        assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-9)


def test_an_alpha_for_each_feature_smooths_that_feature():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 2, (100, 4)), rng.integers(0, 2, 100)
    alpha = np.array([0.5, 1.0, 2.0, 4.0])
    found = BernoulliNB(alpha=alpha).fit(X, y).feature_log_prob_
    for j in range(4):
        alone = BernoulliNB(alpha=alpha[j]).fit(X[:, [j]], y).feature_log_prob_
        assert_allclose(found[:, [j]], alone, rtol=1e-12)


def test_negative_values_are_absent_features():
    X = np.array([[-1.0, 1.0], [1.0, -5.0]])
    ours = BernoulliNB().fit(X, [0, 1])
    assert_allclose(ours.feature_count_, [[0, 1], [1, 0]])
