"""IncrementalPCA: twin, scikit-learn, batches, threads, bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.decomposition
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import smelt
from smelt.decomposition import PCA, IncrementalPCA

NAMES = (
    "components_",
    "explained_variance_",
    "explained_variance_ratio_",
    "singular_values_",
    "mean_",
    "var_",
    "noise_variance_",
)


def problem(n=250, d=9, seed=0):
    rng = np.random.default_rng(seed)
    spread = 2.0 ** -np.arange(d)
    return (rng.standard_normal((n, d)) * spread) @ rng.standard_normal((d, d)) + 5


def agree(ours, other, tolerance):
    for name in NAMES:
        assert_allclose(
            getattr(ours, name), getattr(other, name), rtol=tolerance, atol=tolerance, err_msg=name
        )
    assert ours.n_samples_seen_ == other.n_samples_seen_


@pytest.mark.parametrize("n_components", [None, 1, 4, 9])
@pytest.mark.parametrize("batch_size", [None, 30, 77])
@pytest.mark.parametrize("whiten", [False, True])
def test_equals_twin_and_scikit_learn(n_components, batch_size, whiten):
    X = problem()
    parameters = {"n_components": n_components, "batch_size": batch_size, "whiten": whiten}
    ours = IncrementalPCA(**parameters).fit(X)
    theirs = sklearn.decomposition.IncrementalPCA(**parameters).fit(X)
    with smelt.config(engine="plain"):
        agree(ours, IncrementalPCA(**parameters).fit(X), 1e-9)
    agree(ours, theirs, 1e-8)
    assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-7)
    assert_allclose(ours.transform(sp.csr_matrix(X)), theirs.transform(X), atol=1e-7)
    agree(IncrementalPCA(**parameters).fit(sp.csc_matrix(X)), theirs, 1e-8)


def test_wide_batches_and_partial_fit():
    X = problem(60, 80)
    ours = IncrementalPCA(5)
    theirs = sklearn.decomposition.IncrementalPCA(5)
    for start in range(0, 60, 12):
        ours.partial_fit(X[start : start + 12])
        theirs.partial_fit(X[start : start + 12])
        agree(ours, theirs, 1e-7)


def test_all_components_are_those_of_pca():
    X = problem(1000)
    ours, exact = IncrementalPCA(batch_size=100).fit(X), PCA().fit(X)
    for name in ("components_", "explained_variance_", "explained_variance_ratio_", "mean_"):
        assert_allclose(getattr(ours, name), getattr(exact, name), rtol=1e-7, atol=1e-9)
    assert_allclose(ours.get_covariance(), np.cov(X.T), atol=1e-8)


def test_fit_forgets():
    X = problem()
    model = IncrementalPCA(3).fit(problem(seed=1))
    agree(model.fit(X), IncrementalPCA(3).fit(X), 0)


def test_float32_and_threads():
    X = problem(20_000, 40)
    single = IncrementalPCA(4, batch_size=5000).fit(X.astype(np.float32))
    exact = IncrementalPCA(4, batch_size=5000).fit(X)
    assert single.components_.dtype == single.transform(X.astype(np.float32)).dtype == np.float32
    assert_allclose(single.components_, exact.components_, atol=1e-4)
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            found.append(IncrementalPCA(4, batch_size=5000).fit(X).components_)
    assert_array_equal(found[0], found[1])
    assert_array_equal(found[0], found[2])


def test_what_scikit_learn_refuses_is_refused():
    X = problem()
    with pytest.raises(ValueError, match="need more rows than columns"):
        IncrementalPCA(10).fit(X)
    with pytest.raises(ValueError, match="must be less or equal to the batch number of samples 3"):
        IncrementalPCA(5).partial_fit(X[:3])
    with pytest.raises(TypeError, match=r"partial_fit does not support sparse input"):
        IncrementalPCA(2).partial_fit(sp.csr_matrix(X))
    model = IncrementalPCA(3).fit(X)
    with pytest.raises(ValueError, match="Number of input features has changed from 3 to 4"):
        model.set_params(n_components=4).partial_fit(X)
    X[3, 4] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        IncrementalPCA(2).fit(X)


def test_pickle_clone_names():
    X = problem()
    model = IncrementalPCA(2).fit(X)
    assert_array_equal(pickle.loads(pickle.dumps(model)).transform(X), model.transform(X))
    assert clone(model).n_components == 2 and not hasattr(clone(model), "components_")
    assert list(model.get_feature_names_out()) == ["incrementalpca0", "incrementalpca1"]
