"""Silhouette: twin, scikit-learn, threads, single rows, bad input."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.metrics
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_blobs

import smelt
from smelt.metrics import silhouette_samples, silhouette_score


def rows(n=500, d=5, k=7, seed=0, dtype=np.float64):
    X, labels = make_blobs(n, d, centers=k, cluster_std=3.0, random_state=seed)
    return X.astype(dtype), labels


@pytest.mark.parametrize(("n", "d", "k"), [(5, 1, 2), (500, 5, 7), (700, 40, 3), (300, 3, 150)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_equals_twin_and_scikit_learn(n, d, k, order):
    X, labels = rows(n, d, k)
    X = np.asarray(X + 100, order=order)
    ours = silhouette_samples(X, labels)
    with smelt.config(engine="plain"):
        assert_allclose(ours, silhouette_samples(X, labels), atol=1e-10)
    assert_allclose(ours, sklearn.metrics.silhouette_samples(X, labels), atol=1e-10)
    score = silhouette_score(X, labels)
    assert_allclose(score, sklearn.metrics.silhouette_score(X, labels), atol=1e-10)


def test_names_of_clusters_and_rows_in_any_order():
    X, labels = rows()
    shuffled = np.random.default_rng(0).permutation(len(X))
    names = np.array(list("abcdefg"))[labels]
    ours = silhouette_samples(X[shuffled], names[shuffled])
    assert_allclose(ours, silhouette_samples(X, labels)[shuffled], atol=1e-12)


def test_single_rows_and_equal_rows():
    X = np.array([[0.1, 7], [0.1, 7], [0.1, 7], [2, 3], [2, 3]])
    assert_array_equal(silhouette_samples(X, [0, 0, 0, 1, 1]), np.ones(5))
    assert_array_equal(silhouette_samples(X, [0, 0, 1, 2, 2]), [0, 0, 0, 1, 1])
    assert_array_equal(silhouette_samples(np.ones((4, 2)), [0, 0, 1, 1]), np.zeros(4))


def test_single_precision():
    X, labels = rows(2000, 20, 5)
    single = silhouette_samples(X.astype(np.float32), labels)
    assert single.dtype == np.float32
    assert_allclose(single, silhouette_samples(X, labels), atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_threads_do_not_change_a_bit(dtype):
    X, labels = rows(3000, 10, 9, dtype=dtype)
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            found.append(silhouette_samples(X, labels))
    assert_array_equal(found[0], found[1])
    assert_array_equal(found[0], found[2])


def test_samples_other_metrics_and_sparse_rows_as_scikit_learn():
    X, labels = rows()
    distances = sklearn.metrics.pairwise_distances(X)
    for given, options in [
        (X, {"sample_size": 90, "random_state": 3}),
        (X, {"metric": "manhattan"}),
        (distances, {"metric": "precomputed"}),
        (sp.csr_array(X), {}),
    ]:
        theirs = sklearn.metrics.silhouette_score(given, labels, **options)
        assert_allclose(silhouette_score(given, labels, **options), theirs, atol=1e-10)


def test_bad_input():
    X, labels = rows()
    with pytest.raises(ValueError, match=r"Number of labels is 1\. Valid values are 2 to"):
        silhouette_score(X, np.zeros(500))
    with pytest.raises(ValueError, match="Number of labels is 500"):
        silhouette_samples(X, np.arange(500))
    with pytest.raises(ValueError, match="contains NaN"):
        silhouette_score(np.where(X > 3, np.nan, X), labels)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        silhouette_score(X, labels[:9])
    with pytest.raises(ValueError, match="'sample_size' parameter"):
        silhouette_score(X, labels, sample_size=0)
