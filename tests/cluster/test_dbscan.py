"""DBSCAN: twin, scikit-learn, grid and trees, weights, metrics, threads, bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.cluster
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import pairwise_distances

import smelt
from smelt.cluster import DBSCAN


def blobs(n=1500, d=3, seed=0, dtype=np.float64):
    X, _ = make_blobs(n, d, centers=12, cluster_std=1.0, random_state=seed)
    noise = np.random.default_rng(seed).uniform(-12, 12, (n // 5, d))
    return np.concatenate([X, noise]).astype(dtype)


def agree(ours, theirs):
    assert_array_equal(ours.labels_, theirs.labels_)
    assert_array_equal(ours.core_sample_indices_, theirs.core_sample_indices_)
    assert ours.labels_.dtype == theirs.labels_.dtype
    assert ours.core_sample_indices_.dtype == theirs.core_sample_indices_.dtype
    if sp.issparse(theirs.components_):
        assert (ours.components_ != theirs.components_).nnz == 0
    else:
        assert_array_equal(ours.components_, theirs.components_)
        assert ours.components_.dtype == theirs.components_.dtype


def check(X, weight=None, plain=True, **parameters):
    ours = DBSCAN(**parameters).fit(X, sample_weight=weight)
    agree(ours, sklearn.cluster.DBSCAN(**parameters).fit(X, sample_weight=weight))
    if plain:
        with smelt.config(engine="plain"):
            agree(ours, DBSCAN(**parameters).fit(X, sample_weight=weight))
    return ours


@pytest.mark.parametrize("d", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.7, 3.0])
@pytest.mark.parametrize("min_samples", [1, 4, 25])
def test_equals_twin_and_scikit_learn(d, share, min_samples):
    ours = check(blobs(d=d), eps=share * np.sqrt(d), min_samples=min_samples)
    assert len(ours.labels_) == 1800


def test_borders_go_to_the_first_cluster_and_numbers_follow_rows():
    """Two dense ends and one row between them that both reach."""
    left, right = [[0.0], [0.25], [0.5]], [[2.5], [2.75], [3.0]]
    middle = [[1.5]]
    for X in (middle + left + right, right + middle + left, left + right + middle):
        ours = check(np.array(X), eps=1.0, min_samples=4)
        assert set(ours.labels_) == {0, 1}
        assert ours.labels_[X.index([1.5])] == 0
        assert ours.labels_[min(ours.core_sample_indices_)] == 0


def test_moons_have_any_shape():
    X, moon = make_moons(2000, noise=0.05, random_state=0)
    ours = check(X, eps=0.1, min_samples=5)
    assert max(sklearn.metrics.adjusted_rand_score(moon, ours.labels_), 0) > 0.95


@pytest.mark.parametrize("d", [2, 3, 5])
def test_ties_at_eps_and_duplicates(d):
    rng = np.random.default_rng(d)
    X = rng.integers(0, 6, (600, d)).astype(float)
    for eps in (1.0, 2.0, 0.5):
        for min_samples in (2, 5, 12):
            check(X, eps=eps, min_samples=min_samples)
    check(np.zeros((50, d)), eps=1e-3, min_samples=50)
    check(np.zeros((50, d)), eps=1e-3, min_samples=51)


@pytest.mark.parametrize("d", [2, 3, 6])
@pytest.mark.parametrize("negative", [False, True])
def test_weights(d, negative):
    X = blobs(d=d)
    weight = np.random.default_rng(1).integers(-1 if negative else 0, 4, len(X)).astype(float)
    for min_samples in (3, 8, 30):
        check(X, weight, eps=0.4 * np.sqrt(d), min_samples=min_samples)


@pytest.mark.parametrize("d", [2, 6])
def test_weights_are_repetitions(d):
    X = blobs(300, d=d)
    times = np.random.default_rng(1).integers(1, 4, len(X))
    weighted = DBSCAN(0.4 * np.sqrt(d), min_samples=9).fit(X, sample_weight=times)
    repeated = DBSCAN(0.4 * np.sqrt(d), min_samples=9).fit(np.repeat(X, times, axis=0))
    assert_array_equal(np.repeat(weighted.labels_, times), repeated.labels_)


@pytest.mark.parametrize("metric", ["manhattan", "l1", "cityblock", "chebyshev", "l2", "minkowski"])
@pytest.mark.parametrize("algorithm", ["auto", "kd_tree", "ball_tree", "brute"])
def test_metrics_and_algorithms(metric, algorithm):
    for p in (1, 1.5, 2) if metric == "minkowski" else (None,):
        for d in (2, 5):
            parameters = {"metric": metric, "algorithm": algorithm, "p": p, "min_samples": 6}
            check(blobs(500, d), eps=0.7 * np.sqrt(d), **parameters)


def test_what_scikit_learn_answers():
    X = np.abs(blobs(300, 4))
    check(X, eps=0.1, metric="cosine")
    check(X, eps=1.0, metric=lambda a, b: np.abs(a - b).max())
    check(X, eps=1.0, metric="minkowski", p=0.5, algorithm="brute")
    check(X, eps=1.0, metric="minkowski", metric_params={"p": 3, "w": np.arange(1.0, 5.0)})
    check(pairwise_distances(X), eps=1.0, metric="precomputed")
    check(sp.csr_array(pairwise_distances(X)), eps=1.0, metric="precomputed")
    check(sp.csr_array(X), eps=1.0)
    with pytest.raises(TypeError):
        DBSCAN(metric="minkowski").fit(X)


@pytest.mark.parametrize("algorithm", ["auto", "brute", "kd_tree", "ball_tree"])
def test_many_columns(algorithm, monkeypatch):
    X = blobs(600, 30)
    for min_samples in (3, 10):
        ours = check(X, eps=6.0, min_samples=min_samples, algorithm=algorithm)
        assert ours.labels_.max() > 3
    monkeypatch.setattr("smelt.cluster.dbscan._FEW_ROWS", 0)
    agree(DBSCAN(6.0, min_samples=min_samples, algorithm=algorithm).fit(X), ours)


@pytest.mark.parametrize("d", [2, 5])
def test_single_precision_and_whole_numbers(d):
    X = blobs(d=d, dtype=np.float32)
    assert check(X, eps=0.4 * np.sqrt(d)).components_.dtype == np.float32
    check((4 * X).astype(np.int64), eps=2.0)
    strided = np.asfortranarray(X.astype(float))[::-2]
    check(strided, eps=0.4 * np.sqrt(d))


@pytest.mark.parametrize("d", [1, 3, 5])
def test_few_rows(d):
    one = np.ones((1, d))
    assert_array_equal(check(one, min_samples=1).labels_, [0])
    noise = check(one, min_samples=2)
    assert_array_equal(noise.labels_, [-1])
    assert noise.components_.shape == (0, d)
    X = blobs(200, d)
    assert set(check(X, eps=1e-9).labels_) == {-1}
    assert set(check(X, eps=1e9).labels_) == {0}


@pytest.mark.parametrize("d", [2, 3, 5])
@pytest.mark.parametrize("scale", [1e-140, 1e-6, 1e6, 1e140])
def test_scales(d, scale):
    X, eps = blobs(400, d), {2: 0.6, 3: 1.1, 5: 2.2}[d]
    expected = DBSCAN(eps).fit(X).labels_
    assert_array_equal(DBSCAN(eps * scale).fit(X * scale).labels_, expected)
    assert expected.max() > 3


@pytest.mark.parametrize("d", [2, 3])
def test_rows_too_far_apart_for_a_grid(d):
    X = blobs(400, d)
    X[7] = 1e12
    check(X, eps=0.4 * np.sqrt(d))
    X[8] = -1e150
    check(X, eps=0.4 * np.sqrt(d))


@pytest.mark.parametrize("d", [3, 8])
@pytest.mark.parametrize("weighted", [False, True])
def test_threads_do_not_change_a_bit(d, weighted):
    X, eps = blobs(20_000, d), {3: 0.4, 8: 2.0}[d]
    weight = np.random.default_rng(0).uniform(0, 2, len(X)) if weighted else None
    fits = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            fits.append(DBSCAN(eps).fit(X, sample_weight=weight))
    fits.append(DBSCAN(eps, n_jobs=2).fit(X, sample_weight=weight))
    for fit in fits[1:]:
        agree(fit, fits[0])
    assert fits[0].labels_.max() > 3
    assert (fits[0].labels_ == -1).any()


@pytest.mark.parametrize("d", [2, 5])
def test_the_order_of_rows_changes_names_only(d):
    X = blobs(d=d)
    order = np.random.default_rng(0).permutation(len(X))
    first, second = DBSCAN(0.3 * np.sqrt(d)).fit(X), DBSCAN(0.3 * np.sqrt(d)).fit(X[order])
    core = np.zeros(len(X), dtype=bool)
    core[first.core_sample_indices_] = True
    assert_array_equal(np.sort(order[second.core_sample_indices_]), np.flatnonzero(core))
    pairs = set(zip(first.labels_[order][core[order]], second.labels_[core[order]], strict=True))
    assert len(pairs) == first.labels_.max() + 1


def test_bad_input():
    X = blobs(50)
    X[3, 1] = np.nan
    for bad in (X, np.where(np.isnan(X), np.inf, X)):
        with pytest.raises(ValueError, match="Input X contains"):
            DBSCAN().fit(bad)
    X = blobs(50)
    for parameters in (
        {"eps": 0.0},
        {"eps": -1.0},
        {"eps": np.inf},
        {"min_samples": 0},
        {"min_samples": 1.5},
        {"leaf_size": 0},
        {"metric": "nonsense"},
        {"algorithm": "grid"},
    ):
        with pytest.raises(ValueError, match=f"The '{next(iter(parameters))}' parameter of DBSCAN"):
            DBSCAN(**parameters).fit(X)
    with pytest.raises(ValueError, match="sample_weight"):
        DBSCAN().fit(X, sample_weight=np.ones(3))


def test_clone_pickle_and_fit_predict():
    X = blobs(200)
    model = clone(DBSCAN(0.8, min_samples=3)).fit(X)
    again = pickle.loads(pickle.dumps(model))
    agree(again, model)
    assert_array_equal(DBSCAN(0.8, min_samples=3).fit_predict(X), model.labels_)
    model.components_[:] = 0
    assert (X != 0).all()
