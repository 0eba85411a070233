"""ComplementNB: what it does not share with MultinomialNB (see test_multinomial_nb.py)."""

import numpy as np
import pytest
import sklearn.naive_bayes
from numpy.testing import assert_allclose, assert_array_equal

import smelt
from smelt.naive_bayes import ComplementNB


@pytest.mark.parametrize("engine", ["rust", "plain"])
@pytest.mark.parametrize("norm", [False, True])
def test_norm_equals_scikit_learn(engine, norm):
    rng = np.random.default_rng(0)
    X, y = rng.poisson(1.0, (200, 30)), rng.integers(0, 4, 200)
    theirs = sklearn.naive_bayes.ComplementNB(norm=norm).fit(X, y)
    with smelt.config(engine=engine):
        ours = ComplementNB(norm=norm).fit(X, y)
        assert_allclose(ours.feature_log_prob_, theirs.feature_log_prob_, rtol=1e-11)
        assert_array_equal(ours.feature_all_, theirs.feature_all_)
        assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-9)


def test_one_class_falls_back_on_its_prior():
    X = np.array([[1, 0], [2, 3]])
    ours = ComplementNB().fit(X, [5, 5])
    theirs = sklearn.naive_bayes.ComplementNB().fit(X, [5, 5])
    assert_allclose(ours.predict_joint_log_proba(X), theirs.predict_joint_log_proba(X))
    assert_array_equal(ours.predict(X), [5, 5])


def test_weights_count_rows_twice():
    rng = np.random.default_rng(0)
    X, y = rng.poisson(1.0, (100, 9)), rng.integers(0, 3, 100)
    times = rng.integers(0, 3, 100)
    weighted = ComplementNB().fit(X, y, times)
    repeated = ComplementNB().fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    assert_allclose(weighted.feature_log_prob_, repeated.feature_log_prob_, rtol=1e-12)
