"""Agreement of two clusterings: twin, scikit-learn, invariances, limits, bad input."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.metrics
import sklearn.metrics.cluster
from numpy.testing import assert_allclose, assert_array_equal

import smelt
from smelt import metrics
from smelt.metrics import cluster

SCORES = (
    "adjusted_mutual_info_score",
    "adjusted_rand_score",
    "completeness_score",
    "fowlkes_mallows_score",
    "homogeneity_completeness_v_measure",
    "homogeneity_score",
    "mutual_info_score",
    "normalized_mutual_info_score",
    "rand_score",
    "v_measure_score",
)


def clusterings(n=1000, k=7, m=5, noise=0.4, seed=0):
    rng = np.random.default_rng(seed)
    first = rng.integers(k, size=n)
    second = np.where(rng.random(n) < noise, rng.integers(m, size=n), first % m)
    return first, second


CASES = [
    clusterings(),
    clusterings(400, 60, 90, 0.1),
    clusterings(50, 3, 3, 1.0),
    clusterings(3000, 250, 300, 0.5),
    (np.zeros(10, int), np.zeros(10, int)),
    (np.zeros(10, int), np.arange(10)),
    (np.arange(10), np.arange(10)[::-1]),
    (np.array([], int), np.array([], int)),
    (np.array([3]), np.array([4])),
]


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("case", range(len(CASES)))
def test_scores_are_scikit_learns(name, case):
    first, second = CASES[case]
    ours, theirs = (getattr(module, name) for module in (metrics, sklearn.metrics))
    if name == "mutual_info_score" and not len(first):
        for score in (ours, theirs):
            with pytest.raises(ValueError, match=r"math domain error|at least one row"):
                score(first, second)
        return
    assert_allclose(ours(first, second), theirs(first, second), rtol=1e-10, atol=1e-12)
    assert_allclose(ours(second, first), theirs(second, first), rtol=1e-10, atol=1e-12)
    assert getattr(cluster, name) is ours


@pytest.mark.parametrize("case", range(len(CASES)))
def test_counts_are_scikit_learns(case):
    first, second = CASES[case]
    theirs = sklearn.metrics.cluster
    assert_array_equal(
        cluster.pair_confusion_matrix(first, second), theirs.pair_confusion_matrix(first, second)
    )
    for options in ({}, {"dtype": np.float32}, {"eps": 0.5}):
        found = cluster.contingency_matrix(first, second, **options)
        expected = theirs.contingency_matrix(first, second, **options)
        assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
    found = cluster.contingency_matrix(first, second, sparse=True)
    expected = theirs.contingency_matrix(first, second, sparse=True)
    assert type(found) is type(expected)
    assert (found != expected).nnz == 0
    dense = expected.toarray()
    if dense.size:
        ours = metrics.mutual_info_score(None, None, contingency=found)
        assert_allclose(ours, sklearn.metrics.mutual_info_score(None, None, contingency=expected))
        ours = metrics.mutual_info_score(None, None, contingency=dense)
        assert_allclose(ours, sklearn.metrics.mutual_info_score(None, None, contingency=dense))


@pytest.mark.parametrize("name", SCORES)
def test_twin_names_and_order(name):
    first, second = clusterings(200)
    score = getattr(metrics, name)
    found = score(first, second)
    with smelt.config(engine="plain"):
        assert_allclose(score(first, second), found, rtol=1e-9)
    texts, words = np.array(list("abcdefg"))[first], np.array(list("xyzuv"), object)[second]
    shuffled = np.random.default_rng(1).permutation(200)
    assert_allclose(score(texts[shuffled], words[shuffled].tolist()), found, rtol=1e-12)
    assert_allclose(score(first - 10**12, -second), found, rtol=1e-12)


@pytest.mark.parametrize("method", ["arithmetic", "geometric", "min", "max"])
def test_averages(method):
    for first, second in CASES:
        for name in ("adjusted_mutual_info_score", "normalized_mutual_info_score"):
            ours = getattr(metrics, name)(first, second, average_method=method)
            theirs = getattr(sklearn.metrics, name)(first, second, average_method=method)
            assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_weight_of_completeness():
    first, second = clusterings()
    for beta in (0, 0.2, 3):
        ours = metrics.v_measure_score(first, second, beta=beta)
        assert_allclose(ours, sklearn.metrics.v_measure_score(first, second, beta=beta))


def test_chance_scores_nothing():
    rng = np.random.default_rng(0)
    first, second = rng.integers(50, size=(2, 20_000))
    assert abs(metrics.adjusted_mutual_info_score(first, second)) < 0.01
    assert abs(metrics.adjusted_rand_score(first, second)) < 0.01
    assert metrics.normalized_mutual_info_score(first, second) > 0.01


def test_expected_information_keeps_its_digits():
    """By the twin's gamma functions, and by (k - 1)(l - 1) / 2n of large clusters."""
    kernel, twin = (
        smelt._kernel._find(engine, "metrics.expected_mutual_information")
        for engine in ("rust", "plain")
    )
    rng = np.random.default_rng(0)
    for n, k, m in [(40, 3, 5), (500, 20, 7), (1000, 2, 2)]:
        first, second = (np.bincount(rng.integers(size, size=n)) for size in (k, m))
        first, second = first[first > 0], second[second > 0]
        assert_allclose(kernel(first, second), twin(first, second), rtol=1e-9)
    for n in (10**6, 10**10):
        halves = np.array([n // 2, n // 2])
        assert_allclose(kernel(halves, halves), 0.5 / n, rtol=1e-5)


def test_threads_do_not_change_a_bit():
    first, second = clusterings(400_000, 90, 80)
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            found.append([getattr(metrics, name)(first, second) for name in SCORES])
    assert found[0] == found[1] == found[2]


def test_bad_input():
    first, second = clusterings()
    for name in SCORES:
        score = getattr(metrics, name)
        with pytest.raises(ValueError, match=r"labels_true must be 1D: shape is \(2, 2\)"):
            score(np.zeros((2, 2), int), [0, 1])
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            score(first, second[:9])
        with pytest.raises(ValueError, match="contains NaN"):
            score(np.r_[first[:-1], np.nan], second)
        with pytest.warns(UserWarning, match="expects discrete values but received"):
            score(first + 0.5, second)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            score(first.astype(float), second)
    with pytest.raises(ValueError, match="'average_method' parameter"):
        metrics.normalized_mutual_info_score(first, second, average_method="mean")
    with pytest.raises(ValueError, match="Cannot set 'eps' when sparse=True"):
        cluster.contingency_matrix(first, second, eps=1, sparse=True)
    with pytest.raises(ValueError, match="same length"):
        cluster.contingency_matrix(first, second[:4])
    assert sp.issparse(cluster.contingency_matrix(first, second, sparse=True))
    assert cluster.consensus_score is sklearn.metrics.cluster.consensus_score
