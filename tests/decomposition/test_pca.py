"""PCA: twin, scikit-learn, every solver, hard data, threads, bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.decomposition
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition._pca import _infer_dimension as reference_dimension

import smelt
from smelt.decomposition import PCA
from smelt.decomposition.pca import _infer_dimension

SOLVERS = ["auto", "full", "covariance_eigh", "randomized", "arpack"]


def problem(n=300, d=12, rank=5, noise=0.05, seed=0, order="C"):
    """Falling variances with clear gaps, then noise, about large means."""
    rng = np.random.default_rng(seed)
    low = rng.standard_normal((n, rank)) * 2.0 ** -np.arange(rank)
    X = low @ rng.standard_normal((rank, d)) + noise * rng.standard_normal((n, d))
    return np.asarray(X + rng.uniform(-5, 5, d), order=order)


def twin(X, **parameters):
    with smelt.config(engine="plain"):
        return PCA(**parameters).fit(X)


def agree(ours, other, tolerance, noise=True):
    for name in (
        "components_",
        "explained_variance_",
        "explained_variance_ratio_",
        "singular_values_",
        "mean_",
        *(["noise_variance_"] if noise else []),
    ):
        ours_value, other_value = getattr(ours, name), getattr(other, name)
        assert np.shape(ours_value) == np.shape(other_value), name
        assert_allclose(ours_value, other_value, rtol=tolerance, atol=tolerance, err_msg=name)
    assert ours.n_components_ == other.n_components_
    assert ours.n_samples_ == other.n_samples_


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("shape", [(300, 12), (20, 40), (600, 500)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_equals_twin_and_scikit_learn(solver, whiten, shape, order):
    X = problem(*shape, order=order)
    parameters = {"n_components": 4, "svd_solver": solver, "whiten": whiten, "random_state": 0}
    ours = PCA(**parameters).fit(X)
    theirs = sklearn.decomposition.PCA(**parameters).fit(X)
    agree(ours, twin(X, **parameters), 1e-8)
    agree(ours, theirs, 1e-5 if solver in ("auto", "randomized") else 1e-7)
    assert ours._fit_svd_solver == theirs._fit_svd_solver
    exact = sklearn.decomposition.PCA(4, svd_solver="full", whiten=whiten).fit(X)
    # scikit-learn spreads the noise over all features where the covariance of wide data is used
    noise = solver != "covariance_eigh" or shape[0] > shape[1]
    agree(ours, exact, 1e-6, noise)
    assert_allclose(ours.transform(X), exact.transform(X), atol=1e-6)
    assert_allclose(ours.fit_transform(X), exact.transform(X), atol=1e-6)
    assert_allclose(
        ours.inverse_transform(ours.transform(X)),
        exact.inverse_transform(exact.transform(X)),
        atol=1e-6,
    )
    model = exact if noise else theirs
    assert_allclose(ours.get_covariance(), model.get_covariance(), atol=1e-5)
    if not whiten:
        # scikit-learn's whitened "covariance" is not that of the data, nor positive
        assert_allclose(ours.get_precision(), model.get_precision(), rtol=1e-4, atol=1e-4)
        assert_allclose(ours.score_samples(X), model.score_samples(X), rtol=1e-4)
        assert_allclose(ours.score(X), model.score(X), rtol=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_components", [None, 0, 1, 7, 0.5, 0.95, 0.999, "mle"])
@pytest.mark.parametrize("shape", [(300, 12), (12, 30)])
def test_how_many_components(solver, n_components, shape):
    X = problem(*shape, noise=0.3)
    parameters = {"n_components": n_components, "svd_solver": solver, "random_state": 0}
    try:
        theirs = sklearn.decomposition.PCA(**parameters).fit(X)
    except ValueError as error:
        with pytest.raises(ValueError) as ours_error:
            PCA(**parameters).fit(X)
        assert str(ours_error.value) == str(error)
        return
    ours = PCA(**parameters).fit(X)
    assert ours.components_.shape == theirs.components_.shape
    assert_allclose(ours.explained_variance_, theirs.explained_variance_, rtol=1e-6, atol=1e-12)
    assert_allclose(ours.noise_variance_, theirs.noise_variance_, rtol=1e-6, atol=1e-12)


def test_minkas_dimension_as_scikit_learns():
    rng = np.random.default_rng(0)
    for rank in (1, 3, 8):
        X = problem(400, 15, rank=rank, noise=0.2, seed=rank)
        variance = np.linalg.eigvalsh(np.cov(X.T))[::-1]
        assert _infer_dimension(variance, 400) == reference_dimension(variance, 400)
    flat = np.sort(rng.uniform(0.9, 1, 10))[::-1]
    assert _infer_dimension(flat, 50) == reference_dimension(flat, 50)


def test_the_krylov_space_captures_what_the_power_iterations_capture():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 900)) * np.linspace(2, 1, 900)  # no gap anywhere
    best = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)[:20] @ np.ones(20)
    for n_iter in (0, 1, 4, 7):
        parameters = {"svd_solver": "randomized", "iterated_power": n_iter, "random_state": 0}
        ours = PCA(20, **parameters).fit(X).singular_values_.sum()
        theirs = sklearn.decomposition.PCA(20, **parameters).fit(X).singular_values_.sum()
        assert theirs * 0.999 <= ours <= best * (1 + 1e-12)


@pytest.mark.parametrize("shape", [(2500, 1700), (1700, 2500)])
def test_large_arpack_converges(shape):
    X = problem(*shape, rank=8)
    ours = PCA(5, svd_solver="arpack", random_state=0).fit(X)
    theirs = sklearn.decomposition.PCA(5, svd_solver="arpack", random_state=0).fit(X)
    agree(ours, theirs, 1e-7)


@pytest.mark.parametrize("solver", ["auto", "arpack", "covariance_eigh"])
@pytest.mark.parametrize("shape", [(200, 30), (40, 90), (1700, 1600)])
@pytest.mark.parametrize("layout", [sp.csr_matrix, sp.csc_array])
def test_sparse_equals_dense(solver, shape, layout):
    if solver == "covariance_eigh" and shape[1] > 1000:
        pytest.skip("the dense covariance is another's test")
    dense = sp.random(*shape, 0.1, random_state=1).toarray()
    dense[:, :4] += np.random.default_rng(0).standard_normal((shape[0], 4)) * [9, 7, 5, 4]
    X = layout(dense)
    ours = PCA(4, svd_solver=solver, random_state=0).fit(X)
    other = PCA(4, svd_solver="covariance_eigh" if shape[1] > 1000 else "full").fit(dense)
    agree(ours, other, 1e-7, solver != "covariance_eigh" or shape[0] > shape[1])
    assert_allclose(ours.transform(X), other.transform(dense), atol=1e-7)
    if shape[0] < 1000:
        agree(ours, twin(X, n_components=4, svd_solver=solver, random_state=0), 1e-8)
    for refused in ("full", "randomized"):
        with pytest.raises(TypeError, match="PCA only support sparse inputs"):
            PCA(svd_solver=refused).fit(X)


def test_digits():
    X, _ = load_digits(return_X_y=True)
    ours, theirs = PCA(10).fit(X), sklearn.decomposition.PCA(10).fit(X)
    agree(ours, theirs, 1e-8)
    assert ours.explained_variance_ratio_.sum() == pytest.approx(0.7382, abs=1e-4)


def test_invariances():
    X = problem(500, 9)
    model = PCA(5).fit(X)
    rows = np.random.default_rng(0).permutation(len(X))
    agree(PCA(5).fit(X[rows]), model, 1e-9)
    scaled = PCA(5).fit(X * 8)
    assert_allclose(scaled.explained_variance_, 64 * model.explained_variance_, rtol=1e-10)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((9, 9)))[0]
    turned = PCA(5).fit(X @ turn)
    assert_allclose(turned.explained_variance_, model.explained_variance_, rtol=1e-10)
    assert_allclose(np.abs(turned.components_ @ (model.components_ @ turn).T), np.eye(5), atol=1e-6)
    assert_allclose(np.cov(PCA(5, whiten=True).fit_transform(X).T), np.eye(5), atol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("size", [1e-170, 1e170])
@pytest.mark.parametrize("shape", [(300, 12), (12, 30), (700, 600)])
def test_huge_and_tiny_numbers(solver, size, shape):
    X = problem(*shape)
    found = PCA(3, svd_solver=solver, random_state=0).fit(X * size)
    expected = PCA(3, svd_solver="full").fit(X)
    assert_allclose(found.components_, expected.components_, atol=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_variance_and_low_rank(solver):
    constant = np.full((30, 6), 3.5)
    found = PCA(3, svd_solver=solver, random_state=0).fit(constant)
    assert_allclose(found.explained_variance_, 0, atol=1e-25)
    assert_array_equal(found.mean_, constant[0])
    for shape in ((900, 700), (700, 900), (50, 8)):
        X = problem(*shape, rank=2, noise=0.0)
        found = PCA(4, svd_solver=solver, random_state=0).fit(X)
        assert_allclose(found.components_ @ found.components_.T, np.eye(4), atol=1e-9)
        assert found.explained_variance_[2:].max() < 1e-12 * found.explained_variance_[0]
        whitened = PCA(4, svd_solver=solver, whiten=True, random_state=0).fit_transform(X)
        assert np.isfinite(whitened).all()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shape", [(20_000, 20), (300, 700), (1500, 800)])
def test_float32_stays(solver, shape):
    X = problem(*shape).astype(np.float32)
    found = PCA(3, svd_solver=solver, random_state=0).fit(X)
    exact = PCA(3, svd_solver="full").fit(X.astype(np.float64))
    for value in (found.components_, found.mean_, found.explained_variance_, found.transform(X)):
        assert value.dtype == np.float32
    assert_allclose(found.components_, exact.components_, atol=2e-4)
    assert_allclose(found.explained_variance_, exact.explained_variance_, rtol=1e-4)


@pytest.mark.parametrize("solver", ["full", "covariance_eigh", "randomized", "arpack"])
@pytest.mark.parametrize("shape", [(20_000, 20), (300, 700), (2500, 1600)])
def test_threads_do_not_change_bits(solver, shape):
    if shape[0] == 2500 and solver in ("full", "covariance_eigh"):
        pytest.skip("factorizations of this size are tested in linalg")
    X = problem(*shape)
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            model = PCA(6, svd_solver=solver, random_state=0).fit(X)
            found.append((model.components_, model.transform(X)))
    for other in found[1:]:
        assert_array_equal(found[0][0], other[0])
        assert_array_equal(found[0][1], other[1])


@pytest.mark.parametrize("engine", ["rust", "plain"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_not_finite_is_refused_in_scikit_learns_words(engine, solver):
    for bad, words in ((np.nan, "Input X contains NaN"), (np.inf, "Input X contains infinity")):
        for shape in ((50, 3), (3, 9), (600, 550)):
            X = problem(*shape, rank=2)
            X[2, 1] = bad
            with smelt.config(engine=engine), pytest.raises(ValueError, match=words):
                PCA(2, svd_solver=solver).fit(X)


def test_pickle_clone_names():
    X = problem()
    model = PCA(3, whiten=True).fit(X)
    assert_array_equal(pickle.loads(pickle.dumps(model)).transform(X), model.transform(X))
    assert clone(model).n_components == 3 and not hasattr(clone(model), "components_")
    assert list(model.get_feature_names_out()) == ["pca0", "pca1", "pca2"]
    frame = PCA(2).set_output(transform="pandas").fit_transform(X)
    assert list(frame.columns) == ["pca0", "pca1"]


def test_the_data_are_not_touched():
    X = problem()
    before = X.copy()
    for solver in SOLVERS:
        PCA(3, copy=False, svd_solver=solver).fit_transform(X)
        assert_array_equal(X, before)
