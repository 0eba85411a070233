"""KMeans: twin, scikit-learn, bounds, starts, weights, sparse data, threads, bad input."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.cluster
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs
from sklearn.exceptions import ConvergenceWarning

import smelt
from smelt.cluster import KMeans


def blobs(n=600, d=5, k=8, seed=0, dtype=np.float64):
    X, _ = make_blobs(n, d, centers=k, cluster_std=2.0, random_state=seed)
    weight = np.random.default_rng(seed).uniform(0, 2, n)
    return X.astype(dtype), weight


def twin(X, weight=None, **parameters):
    with smelt.config(engine="plain"):
        return KMeans(**parameters).fit(X, sample_weight=weight)


def agree(ours, other, tolerance=1e-10):
    assert_array_equal(ours.labels_, other.labels_)
    assert ours.labels_.dtype == np.int32
    assert ours.n_iter_ == other.n_iter_
    assert_allclose(ours.inertia_, other.inertia_, rtol=tolerance)
    assert_allclose(ours.cluster_centers_, other.cluster_centers_, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("n_init", ["auto", 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [1, 2, 8, 33])
def test_equals_twin_and_scikit_learn(init, n_init, weighted, k):
    X, weight = blobs()
    weight = weight if weighted else None
    parameters = {"n_clusters": k, "init": init, "n_init": n_init, "random_state": 3}
    ours = KMeans(**parameters).fit(X, sample_weight=weight)
    agree(ours, twin(X, weight, **parameters))
    theirs = sklearn.cluster.KMeans(**parameters).fit(X, sample_weight=weight)
    agree(ours, theirs, 1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_gives_scikit_learns_start(seed):
    X, weight = blobs(seed=seed)
    parameters = {"n_clusters": 40, "max_iter": 1, "random_state": seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours = KMeans(**parameters).fit(X, sample_weight=weight)
        theirs = sklearn.cluster.KMeans(**parameters).fit(X, sample_weight=weight)
    agree(ours, theirs, 1e-9)


@pytest.mark.parametrize(("n", "d", "k"), [(3000, 2, 50), (2000, 30, 5), (1500, 7, 300)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_bounds_leave_out_nothing_that_counts(n, d, k, dtype):
    """Uniform rows: many steps, little structure; each step is that of a search of all rows."""
    X = np.random.default_rng(1).uniform(size=(n, d)).astype(dtype)
    start = X[:k].copy()
    ours = KMeans(k, init=start, n_init=1, tol=0, max_iter=60).fit(X)
    assert ours.n_iter_ >= 8
    mean = X.mean(axis=0)
    moved, centers = X - mean, ours.cluster_centers_ - mean
    distances = ((moved.astype(float)[:, None] - centers.astype(float)) ** 2).sum(axis=2)
    slack = 1e-12 if dtype == np.float64 else 1e-5
    own = distances[np.arange(n), ours.labels_]
    assert (own <= distances.min(axis=1) + slack).all()
    if dtype == np.float64:
        theirs = sklearn.cluster.KMeans(k, init=start, n_init=1, tol=0, max_iter=60).fit(X)
        agree(ours, theirs, 1e-8)


def test_single_precision_stays_and_reaches_the_same():
    X, _ = blobs(5000, 12, 20)
    parameters = {"n_clusters": 20, "init": X[:20], "n_init": 1}
    double = KMeans(**parameters).fit(X)
    single = KMeans(**parameters).fit(X.astype(np.float32))
    assert single.cluster_centers_.dtype == np.float32
    assert_allclose(single.inertia_, double.inertia_, rtol=1e-3)
    assert_array_equal(single.predict(X.astype(np.float32)), single.labels_)
    assert single.predict(X).dtype == np.int32


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_sparse_rows(weighted, init):
    X = sp.random(400, 60, density=0.1, random_state=0, format="csr")
    weight = np.random.default_rng(0).uniform(0, 1, 400) if weighted else None
    parameters = {"n_clusters": 6, "init": init, "n_init": 2, "random_state": 1}
    ours = KMeans(**parameters).fit(X, sample_weight=weight)
    agree(ours, sklearn.cluster.KMeans(**parameters).fit(X, sample_weight=weight), 1e-8)
    agree(ours, twin(X, weight, **parameters))
    assert_array_equal(ours.predict(X), ours.labels_)
    assert_array_equal(ours.predict(X.toarray()), ours.labels_)
    assert_allclose(-ours.score(X, sample_weight=weight), ours.inertia_, rtol=1e-12)
    assert_allclose(ours.transform(X), ours.transform(X.toarray()), atol=1e-7)


def test_weights_are_repetitions():
    X, _ = blobs(200)
    times = np.random.default_rng(0).integers(0, 4, 200)
    start = X[:8]
    weighted = KMeans(8, init=start).fit(X, sample_weight=times)
    repeated = KMeans(8, init=start).fit(np.repeat(X, times, axis=0))
    assert_allclose(weighted.cluster_centers_, repeated.cluster_centers_, rtol=1e-9)
    assert_allclose(weighted.inertia_, repeated.inertia_, rtol=1e-9)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
def test_an_empty_cluster_takes_the_farthest_row(make):
    X = np.array([[0.0, 0], [1, 0], [0, 1], [9, 9], [20, 20]])
    start = np.array([[0.0, 0], [1000, 1000]])
    ours = KMeans(2, init=start).fit(make(X))
    agree(ours, sklearn.cluster.KMeans(2, init=start).fit(make(X)))
    agree(ours, twin(make(X), n_clusters=2, init=start))
    assert len(set(ours.labels_)) == 2


def test_fewer_different_rows_than_clusters():
    X = np.repeat([[0.0, 1.0], [2.0, 3.0]], 5, axis=0)
    with pytest.warns(ConvergenceWarning, match=r"distinct clusters \(2\) found smaller than"):
        model = KMeans(4, random_state=0).fit(X)
    assert model.inertia_ == 0
    with pytest.warns(ConvergenceWarning):
        assert KMeans(3, random_state=0).fit(np.zeros((6, 2), np.float32)).inertia_ == 0


@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_scale_and_place_do_not_count(scale, offset):
    X, _ = blobs()
    start = X[:8]
    expected = KMeans(8, init=start).fit(X)
    moved = KMeans(8, init=(start + offset) * scale).fit((X + offset) * scale)
    assert_array_equal(moved.labels_, expected.labels_)
    assert_allclose(moved.inertia_, expected.inertia_ * scale**2, rtol=1e-6)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_threads_do_not_change_a_bit(make, dtype, monkeypatch):
    X, weight = blobs(5000, 10, 30, dtype=dtype)
    fits = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            fits.append(KMeans(30, random_state=0).fit(make(X), sample_weight=weight))
    for fit in fits[1:]:
        assert_array_equal(fit.cluster_centers_, fits[0].cluster_centers_)
        assert_array_equal(fit.labels_, fits[0].labels_)
        assert fit.inertia_ == fits[0].inertia_


def test_a_callable_start_and_fortran_order():
    X, _ = blobs()

    def start(X, n_clusters, random_state):
        return X[random_state.permutation(len(X))[:n_clusters]]

    ours = KMeans(5, init=start, n_init=2, random_state=0).fit(np.asfortranarray(X))
    theirs = sklearn.cluster.KMeans(5, init=start, n_init=2, random_state=0).fit(X)
    agree(ours, theirs, 1e-9)


def test_verbose_tells_the_inertia(capsys):
    X, _ = blobs(100)
    model = KMeans(3, random_state=0, verbose=1).fit(X)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Initialization complete"
    assert sum(line.startswith("Iteration") for line in lines) == model.n_iter_
    assert lines[-1].startswith("Converged at iteration")


def test_digits_as_scikit_learn():
    X = load_digits().data
    ours = KMeans(10, random_state=0).fit(X)
    agree(ours, sklearn.cluster.KMeans(10, random_state=0).fit(X), 1e-9)


def test_pickle_clone_names_and_elkan():
    X, _ = blobs()
    model = KMeans(4, random_state=0, algorithm="elkan")
    fitted = clone(model).fit(X)
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.predict(X), fitted.labels_)
    assert_array_equal(fitted.fit_predict(X), fitted.labels_)
    assert_allclose(fitted.fit_transform(X), fitted.transform(X))
    assert list(fitted.get_feature_names_out()) == [f"kmeans{i}" for i in range(4)]
    with pytest.warns(RuntimeWarning, match="doesn't make sense for a single"):
        KMeans(1, algorithm="elkan").fit(X)


def test_bad_input():
    X, weight = blobs(20)
    with pytest.raises(ValueError, match=r"n_samples=20 should be >= n_clusters=21\."):
        KMeans(21).fit(X)
    with pytest.raises(ValueError, match="contains NaN"):
        KMeans(2).fit(np.where(X > 3, np.nan, X))
    with pytest.raises(ValueError, match="does not match the number of clusters 3"):
        KMeans(3, init=X[:2]).fit(X)
    with pytest.raises(ValueError, match="match the number of features"):
        KMeans(2, init=X[:2, :3]).fit(X)
    with pytest.raises(ValueError, match="'algorithm' parameter"):
        KMeans(2, algorithm="full").fit(X)
    with pytest.raises(ValueError, match="sample_weight"):
        KMeans(2).fit(X, sample_weight=weight[:5])
    with pytest.raises(ValueError, match="at least one non-zero"):
        KMeans(2, init=X[:2]).fit(X, sample_weight=np.zeros(20))
    with pytest.warns(RuntimeWarning, match="performing only one init"):
        KMeans(2, init=X[:2], n_init=3).fit(X)
