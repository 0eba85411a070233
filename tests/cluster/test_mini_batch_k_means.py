"""MiniBatchKMeans: twin, scikit-learn's batches, weights, sparse data, threads, bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.cluster
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_blobs

import smelt
from smelt.cluster import MiniBatchKMeans


def blobs(n=1500, d=6, k=8, seed=0, dtype=np.float64):
    X, _ = make_blobs(n, d, centers=k, cluster_std=2.0, random_state=seed)
    return X.astype(dtype), np.random.default_rng(seed).uniform(0, 2, n)


def agree(ours, other, tolerance=1e-9):
    assert ours.n_steps_ == other.n_steps_
    assert_allclose(ours.cluster_centers_, other.cluster_centers_, rtol=tolerance, atol=tolerance)
    if hasattr(other, "labels_"):
        assert_array_equal(ours.labels_, other.labels_)
        assert ours.labels_.dtype == np.int32
    assert_allclose(ours.inertia_, other.inertia_, rtol=tolerance)


@pytest.mark.parametrize("init", ["k-means++", "random", "array"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("options", [{}, {"tol": 1e-2}, {"compute_labels": False}])
def test_equals_twin_and_scikit_learn(init, weighted, make, options):
    X, weight = blobs()
    weight = weight if weighted else None
    init = X[:8] if init == "array" else init
    parameters = {"n_clusters": 8, "init": init, "batch_size": 100, "random_state": 5, **options}
    ours = MiniBatchKMeans(**parameters).fit(make(X), sample_weight=weight)
    with smelt.config(engine="plain"):
        agree(ours, MiniBatchKMeans(**parameters).fit(make(X), sample_weight=weight))
    agree(ours, sklearn.cluster.MiniBatchKMeans(**parameters).fit(make(X), sample_weight=weight))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
def test_partial_fit_as_scikit_learn(weighted, make):
    X, weight = blobs()
    ours = MiniBatchKMeans(5, random_state=1)
    theirs = sklearn.cluster.MiniBatchKMeans(5, random_state=1)
    for start in range(0, 1500, 300):
        rows = slice(start, start + 300)
        part = {"sample_weight": weight[rows]} if weighted else {}
        ours.partial_fit(make(X[rows]), **part)
        theirs.partial_fit(make(X[rows]), **part)
        agree(ours, theirs)
    again = pickle.loads(pickle.dumps(ours)).partial_fit(make(X[:100]))
    assert again.n_steps_ == 6


def test_starved_centres_are_put_elsewhere(capsys):
    X, _ = blobs()
    start = np.vstack([X[:4], np.full((4, 6), 1e3)])
    parameters = {"init": start, "batch_size": 200, "random_state": 0, "verbose": 1}
    ours = MiniBatchKMeans(8, **parameters).fit(X)
    said = capsys.readouterr().out
    theirs = sklearn.cluster.MiniBatchKMeans(8, **parameters).fit(X)
    agree(ours, theirs)
    assert "[MiniBatchKMeans] Reassigning 4 cluster centers." in said
    assert len(said.splitlines()) == len(capsys.readouterr().out.splitlines())
    kept = MiniBatchKMeans(8, **{**parameters, "verbose": 0}, reassignment_ratio=0).fit(X)
    assert (kept.cluster_centers_[4:] == 1e3).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_threads_do_not_change_a_bit(dtype):
    X, _ = blobs(5000, 10, 30, dtype=dtype)
    fits = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            fits.append(MiniBatchKMeans(30, random_state=0).fit(X))
    assert fits[0].cluster_centers_.dtype == dtype
    for fit in fits[1:]:
        assert_array_equal(fit.cluster_centers_, fits[0].cluster_centers_)
        assert_array_equal(fit.labels_, fits[0].labels_)


def test_bad_input():
    X, _ = blobs(20)
    with pytest.raises(ValueError, match=r"n_samples=20 should be >= n_clusters=21\."):
        MiniBatchKMeans(21).fit(X)
    with pytest.raises(ValueError, match="'batch_size' parameter"):
        MiniBatchKMeans(2, batch_size=0).fit(X)
    with pytest.raises(ValueError, match="contains NaN"):
        MiniBatchKMeans(2).fit(np.where(X > 3, np.nan, X))
    with pytest.raises(ValueError, match="is expecting 6 features"):
        MiniBatchKMeans(2).fit(X).partial_fit(X[:, :3])
    with pytest.warns(RuntimeWarning, match="init_size=1 should be larger"):
        MiniBatchKMeans(2, init_size=1).fit(X)
