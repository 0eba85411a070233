"""TruncatedSVD: twin, scikit-learn, dense and sparse, convergence, threads, bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.decomposition
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import smelt
from smelt.decomposition import TruncatedSVD


def problem(n=300, d=40, density=0.2, seed=0):
    """Sparse rows with a few strong directions."""
    rng = np.random.default_rng(seed)
    X = sp.random(n, d, density, random_state=seed, format="csr")
    strength = 4.0 * 0.6 ** np.arange(5)
    low = (rng.random((n, 5)) < 0.3) * strength @ (rng.random((5, d)) < 0.3)
    return sp.csr_matrix(X + sp.csr_matrix(low))


def twin(X, **parameters):
    with smelt.config(engine="plain"):
        return TruncatedSVD(**parameters).fit(X)


def agree(ours, other, tolerance):
    for name in (
        "components_",
        "explained_variance_",
        "explained_variance_ratio_",
        "singular_values_",
    ):
        ours_value, other_value = getattr(ours, name), getattr(other, name)
        assert_allclose(ours_value, other_value, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("algorithm", ["randomized", "arpack"])
@pytest.mark.parametrize("shape", [(300, 40), (30, 90), (900, 600), (600, 900)])
@pytest.mark.parametrize("sparse", [False, True])
def test_equals_twin_and_scikit_learn(algorithm, shape, sparse):
    X = problem(*shape)
    X = X if sparse else X.toarray()
    parameters = {"n_components": 3, "algorithm": algorithm, "n_iter": 20, "random_state": 0}
    ours = TruncatedSVD(**parameters).fit(X)
    theirs = sklearn.decomposition.TruncatedSVD(**parameters).fit(X)
    agree(ours, theirs, 1e-6)
    agree(ours, twin(X, **parameters), 1e-7)
    assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-6)
    assert_allclose(ours.fit_transform(X), ours.transform(X), atol=1e-9)
    back = ours.inverse_transform(ours.transform(X))
    assert_allclose(back, theirs.inverse_transform(theirs.transform(X)), atol=1e-5)
    if sparse:
        for layout in (X.tocsc(), X.tocoo(), sp.csr_array(X)):
            agree(TruncatedSVD(**parameters).fit(layout), ours, 1e-9)


@pytest.mark.parametrize("shape", [(2500, 1600), (1600, 2500)])
def test_captures_at_least_what_power_iterations_capture(shape):
    X = sp.random(*shape, 0.02, random_state=0, format="csr")
    exact = TruncatedSVD(20, algorithm="arpack", random_state=0).fit(X).singular_values_
    scipy_exact = np.sort(sp.linalg.svds(X, 20, return_singular_vectors=False))[::-1]
    assert_allclose(exact, scipy_exact, rtol=1e-9)
    for n_iter in (1, 2, 5, 8):
        ours = TruncatedSVD(20, n_iter=n_iter, random_state=0).fit(X).singular_values_
        theirs = sklearn.decomposition.TruncatedSVD(20, n_iter=n_iter, random_state=0)
        theirs = theirs.fit(X).singular_values_
        assert ours.sum() >= 0.9995 * theirs.sum()
        assert (ours <= exact * (1 + 1e-12)).all()


def test_transformed_columns_are_orthogonal_and_falling():
    X = problem(500, 300)
    model = TruncatedSVD(6, random_state=0)
    B = model.fit_transform(X)
    assert_allclose(B.T @ B, np.diag(model.singular_values_**2), atol=1e-8)
    assert (np.diff(model.singular_values_) <= 0).all()
    assert_allclose(model.components_ @ model.components_.T, np.eye(6), atol=1e-10)


def test_low_rank_and_zero():
    X = np.outer(np.arange(1.0, 301), np.arange(280.0))
    model = TruncatedSVD(3, random_state=0).fit(X)
    assert_allclose(model.singular_values_[0], np.linalg.norm(X), rtol=1e-10)
    assert model.singular_values_[1] < 1e-9 * model.singular_values_[0]
    assert_allclose(model.components_ @ model.components_.T, np.eye(3), atol=1e-9)
    empty = TruncatedSVD(2, random_state=0).fit(sp.csr_matrix((900, 700)))
    assert_array_equal(empty.singular_values_, [0, 0])


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("algorithm", ["randomized", "arpack"])
def test_float32_stays(sparse, algorithm):
    X = problem(900, 600).astype(np.float32)
    X = X if sparse else X.toarray()
    model = TruncatedSVD(4, algorithm=algorithm, random_state=0).fit(X)
    exact = TruncatedSVD(4, algorithm="arpack", random_state=0).fit(X.astype(np.float64))
    assert model.components_.dtype == model.transform(X).dtype == np.float32
    assert_allclose(model.singular_values_, exact.singular_values_, rtol=1e-4)


@pytest.mark.parametrize("algorithm", ["randomized", "arpack"])
def test_threads_do_not_change_bits(algorithm):
    X = problem(3000, 1500, density=0.02)
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            model = TruncatedSVD(5, algorithm=algorithm, tol=1e-6, random_state=0)
            found.append((model.fit_transform(X), model.components_))
    for other in found[1:]:
        assert_array_equal(found[0][0], other[0])
        assert_array_equal(found[0][1], other[1])


def test_what_scikit_learn_refuses_is_refused():
    X = problem(50, 20)
    for model in (
        TruncatedSVD(21),
        TruncatedSVD(20, algorithm="arpack"),
        TruncatedSVD(0),
        TruncatedSVD(algorithm="power"),
        TruncatedSVD(n_oversamples=0),
    ):
        with pytest.raises(ValueError):
            model.fit(X)
    dense = X.toarray()
    for bad, words in ((np.nan, "Input X contains NaN"), (np.inf, "Input X contains infinity")):
        dense[3, 4] = bad
        for data in (dense, sp.csr_matrix(dense)):
            with pytest.raises(ValueError, match=words):
                TruncatedSVD().fit(data)


def test_pickle_clone_names():
    X = problem()
    model = TruncatedSVD(3, random_state=0).fit(X)
    assert_array_equal(pickle.loads(pickle.dumps(model)).transform(X), model.transform(X))
    assert clone(model).n_components == 3 and not hasattr(clone(model), "components_")
    assert list(model.get_feature_names_out())[:2] == ["truncatedsvd0", "truncatedsvd1"]
