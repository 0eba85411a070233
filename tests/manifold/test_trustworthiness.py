"""Trustworthiness: twin, scikit-learn, metrics, threads, bad input."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.manifold
from numpy.testing import assert_allclose

import smelt
from smelt.manifold import trustworthiness
from smelt.plain.manifold import trustworthiness_penalty


def rows(n=400, d=8, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, X[:, :2] + 0.3 * rng.standard_normal((n, 2))


@pytest.mark.parametrize("k", [1, 5, 30])
@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_equals_twin_and_scikit_learn(k, shift):
    X, picture = rows()
    ours = trustworthiness(X + shift, picture, n_neighbors=k)
    expected = sklearn.manifold.trustworthiness(X + shift, picture, n_neighbors=k)
    assert_allclose(ours, expected, atol=1e-12)
    with smelt.config(engine="plain"):
        assert_allclose(trustworthiness(X + shift, picture, n_neighbors=k), ours, atol=1e-12)


@pytest.mark.parametrize("metric", ["manhattan", "cosine", "chebyshev"])
def test_other_metrics(metric):
    X, picture = rows(150)
    expected = sklearn.manifold.trustworthiness(X, picture, metric=metric)
    assert_allclose(trustworthiness(X, picture, metric=metric), expected, atol=1e-12)


def test_distances_sparse_rows_and_callables():
    X, picture = rows(120)
    expected = trustworthiness(X, picture)
    distances = np.sqrt(((X[:, None] - X) ** 2).sum(axis=2))
    assert_allclose(trustworthiness(distances, picture, metric="precomputed"), expected)
    assert_allclose(trustworthiness(sp.csr_array(X), picture), expected)
    squared = trustworthiness(X, picture, metric=lambda a, b: ((a - b) ** 2).sum())
    assert_allclose(squared, expected)


def test_the_data_are_their_own_best_picture():
    X, picture = rows()
    assert trustworthiness(X, X) == 1.0
    assert trustworthiness(X, 3 * X - 7) == 1.0
    assert trustworthiness(X, np.random.default_rng(1).standard_normal((400, 2))) < 0.6
    assert trustworthiness(X, picture) < 1


def test_first_of_equal_rows_comes_first():
    X = np.zeros((6, 1))
    neighbors = np.array([[5], [0], [0], [0], [0], [0]])
    assert trustworthiness_penalty(X, neighbors) == 4.0
    assert smelt._smelt.manifold.trustworthiness_penalty(X, neighbors) == 4.0


def test_threads_do_not_change_a_bit():
    X, picture = rows(2000)
    found = set()
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            found.add(trustworthiness(X, picture))
    assert len(found) == 1


def test_bad_input():
    X, picture = rows(20)
    with pytest.raises(ValueError, match=r"n_neighbors \(10\) should be less than n_samples / 2"):
        trustworthiness(X, picture, n_neighbors=10)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        trustworthiness(X, picture[:-1])
    with pytest.raises(ValueError, match="contains NaN"):
        trustworthiness(np.where(X > 1, np.nan, X), picture)
    with pytest.raises(ValueError, match="square distance matrix"):
        trustworthiness(X, picture, metric="precomputed")
    with pytest.raises(ValueError, match="'metric' parameter"):
        trustworthiness(X, picture, metric="no such metric")
    with pytest.raises(ValueError, match="is no row"):
        smelt._smelt.manifold.trustworthiness_penalty(X, np.full((20, 1), 20))
