"""Calinski-Harabasz and Davies-Bouldin: twin, scikit-learn, invariances, threads, bad input."""

import numpy as np
import pytest
import sklearn.metrics
from numpy.testing import assert_allclose
from sklearn.datasets import make_blobs

import smelt
from smelt.metrics import calinski_harabasz_score, davies_bouldin_score

BOTH = (calinski_harabasz_score, davies_bouldin_score)


def rows(n=500, d=5, k=7, seed=0):
    return make_blobs(n, d, centers=k, cluster_std=3.0, random_state=seed)


@pytest.mark.parametrize("score", BOTH)
@pytest.mark.parametrize(("n", "d", "k"), [(5, 1, 2), (500, 5, 7), (700, 40, 3), (300, 3, 150)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_equals_twin_and_scikit_learn(score, n, d, k, order):
    X, labels = rows(n, d, k)
    X = np.asarray(X + 10, order=order)
    found = score(X, labels)
    theirs = getattr(sklearn.metrics, score.__name__)
    assert_allclose(found, theirs(X, labels), rtol=1e-9)
    with smelt.config(engine="plain"):
        assert_allclose(score(X, labels), found, rtol=1e-9)


@pytest.mark.parametrize("score", BOTH)
def test_moving_turning_and_naming_change_nothing(score):
    X, labels = rows()
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    moved = 7 * X @ turn + 100
    found = score(X, labels)
    assert_allclose(score(moved, np.array(list("gfedcba"))[labels]), found, rtol=1e-9)
    assert_allclose(score(X[::-1], labels[::-1]), found, rtol=1e-12)


@pytest.mark.parametrize("score", BOTH)
def test_single_precision_integers_and_lists(score):
    X, labels = rows(2000, 20, 5)
    theirs = getattr(sklearn.metrics, score.__name__)
    assert_allclose(score(X.astype(np.float32), labels), theirs(X, labels), rtol=1e-5)
    whole = X.astype(int)
    assert_allclose(score(whole.tolist(), labels.tolist()), theirs(whole, labels), rtol=1e-9)


@pytest.mark.parametrize("score", BOTH)
def test_clusters_without_extent(score):
    theirs = getattr(sklearn.metrics, score.__name__)
    for X in (np.ones((10, 2)), np.array([[0.0, 1], [0, 1], [5, 5], [5, 5], [1, 1]])):
        labels = [0, 0, 1, 1, 2] * (len(X) // 5)
        assert_allclose(score(X, labels), theirs(X, labels))
    pair = np.array([[-1.0, -1], [1, 1]] * 10)
    labels = [0] * 10 + [1] * 10
    assert score(pair, labels) == theirs(pair, labels) == 0.0


@pytest.mark.parametrize("score", BOTH)
def test_threads_do_not_change_a_bit(score):
    X, labels = rows(30_000, 10, 9)
    found = set()
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            found.add(score(X, labels))
    assert len(found) == 1


@pytest.mark.parametrize("score", BOTH)
def test_bad_input(score):
    X, labels = rows()
    with pytest.raises(ValueError, match=r"Number of labels is 1\. Valid values are 2 to"):
        score(X, np.zeros(500))
    with pytest.raises(ValueError, match="Number of labels is 500"):
        score(X, np.arange(500))
    with pytest.raises(ValueError, match="contains NaN"):
        score(np.where(X > 3, np.nan, X), labels)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        score(X, labels[:9])
