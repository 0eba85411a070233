"""NMF: twin, scikit-learn, both solvers, every divergence, sparse, threads, bad input."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.decomposition
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import smelt
from smelt.decomposition import NMF

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iterations")
BETAS = [2, 1, 0, 0.5, 1.5, 3, "frobenius", "kullback-leibler", "itakura-saito"]


def problem(n=60, d=25, k=4, seed=0, zeros=0.0):
    rng = np.random.default_rng(seed)
    X = rng.gamma(1.0, 1.0, (n, k)) @ rng.gamma(1.0, 1.0, (k, d)) + 0.1 * rng.random((n, d))
    X[rng.random((n, d)) < zeros] = 0
    return X, rng.random((n, k)) + 0.1, rng.random((k, d)) + 0.1


def three(X, W, H, **parameters):
    """The kernel's, the twin's and scikit-learn's fit from the same start."""
    parameters = {"n_components": W.shape[1], "init": "custom", **parameters}
    ours, plain = NMF(**parameters), NMF(**parameters)
    theirs = sklearn.decomposition.NMF(**parameters)
    found = ours.fit_transform(X, W=W.copy(), H=H.copy())
    with smelt.config(engine="plain"):
        twins = plain.fit_transform(X, W=W.copy(), H=H.copy())
    reference = theirs.fit_transform(X, W=W.copy(), H=H.copy())
    return (ours, found), (plain, twins), (theirs, reference)


def agree(one, other, tolerance):
    (ours, W), (theirs, other_W) = one, other
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.n_components_ == theirs.n_components_
    assert_allclose(W, other_W, rtol=tolerance, atol=tolerance)
    assert_allclose(ours.components_, theirs.components_, rtol=tolerance, atol=tolerance)
    assert_allclose(ours.reconstruction_err_, theirs.reconstruction_err_, rtol=tolerance)


@pytest.mark.parametrize("penalty", [{}, {"alpha_W": 0.01, "l1_ratio": 0.3, "alpha_H": 0.002}])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_coordinate_descent_takes_scikit_learns_steps(penalty, shuffle, sparse, order):
    X, W, H = problem(zeros=0.3)
    X = sp.csr_matrix(X) if sparse else np.asarray(X, order=order)
    ours, plain, theirs = three(
        X, W, H, max_iter=30, tol=1e-5, shuffle=shuffle, random_state=0, **penalty
    )
    agree(ours, plain, 1e-8)
    agree(ours, theirs, 1e-7)
    again, reference = ours[0].transform(X), theirs[0].transform(X)
    assert_allclose(again, reference, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("penalty", [{}, {"alpha_W": 0.01, "l1_ratio": 0.3}])
def test_multiplicative_updates_are_scikit_learns(beta, sparse, penalty):
    no_zeros = beta in (0, "itakura-saito")
    X, W, H = problem(zeros=0.0 if no_zeros else 0.2)
    X = sp.csr_matrix(X) if sparse else X
    ours, plain, theirs = three(X, W, H, solver="mu", beta_loss=beta, max_iter=30, **penalty)
    agree(ours, plain, 1e-8)
    agree(ours, theirs, 1e-7)
    if beta in (1, "kullback-leibler") and penalty:
        return  # scikit-learn's transform adds the penalty on sums anew in every round
    assert_allclose(ours[0].transform(X), theirs[0].transform(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("init", [None, "random", "nndsvd", "nndsvda", "nndsvdar"])
@pytest.mark.parametrize("sparse", [False, True])
def test_starts_lead_as_far_as_scikit_learns(init, sparse):
    X, _, _ = problem(120, 40)
    X = sp.csr_matrix(X) if sparse else X
    parameters = {"n_components": 4, "init": init, "random_state": 0, "max_iter": 300}
    ours = NMF(**parameters).fit(X)
    theirs = sklearn.decomposition.NMF(**parameters).fit(X)
    assert ours.reconstruction_err_ <= theirs.reconstruction_err_ * 1.02
    W = ours.transform(X)
    dense = X.toarray() if sparse else X
    assert np.linalg.norm(dense - W @ ours.components_) <= ours.reconstruction_err_ * 1.02


def test_large_blocks_and_the_gradient():
    X, W, H = problem(1500, 700, 5)
    ours, _, theirs = three(X, W, H, max_iter=15)
    agree(ours, theirs, 1e-7)
    model = NMF(5, init="nndsvda", max_iter=600, tol=1e-7, random_state=0)
    W = model.fit_transform(X)
    gradient = (W @ model.components_ - X) @ model.components_.T
    scale = np.abs(X @ model.components_.T).max()
    assert np.abs(gradient[W > 0]).max() < 1e-3 * scale
    assert gradient[W == 0].min(initial=0) > -1e-3 * scale


def test_float32_stays():
    X, W, H = problem()
    single = [part.astype(np.float32) for part in (X, W, H)]
    for solver in ("cd", "mu"):
        ours, _, theirs = three(*single, solver=solver, max_iter=20)
        assert ours[0].components_.dtype == ours[1].dtype == np.float32
        assert_allclose(ours[1], theirs[1], rtol=1e-2, atol=1e-3)
        assert_allclose(ours[0].reconstruction_err_, theirs[0].reconstruction_err_, rtol=1e-3)


@pytest.mark.parametrize("parameters", [{}, {"solver": "mu", "beta_loss": 1}, {"solver": "mu"}])
@pytest.mark.parametrize("sparse", [False, True])
def test_threads_do_not_change_bits(parameters, sparse):
    X, _, _ = problem(2000, 300, 6, zeros=0.5 if sparse else 0)
    X = sp.csr_matrix(X) if sparse else X
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            model = NMF(6, random_state=0, max_iter=8, **parameters)
            found.append((model.fit_transform(X), model.components_))
    for other in found[1:]:
        assert_array_equal(found[0][0], other[0])
        assert_array_equal(found[0][1], other[1])


def test_zeros_stay_factors():
    model = NMF(2, init="random", random_state=0)
    assert model.fit_transform(np.zeros((6, 4))).shape == (6, 2)
    assert model.reconstruction_err_ == 0
    X, _, _ = problem()
    X[:, 3] = X[5] = 0
    model = NMF(3, random_state=0).fit(X)
    assert np.isfinite(model.components_).all()
    assert_allclose(model.components_[:, 3], 0, atol=1e-8)


def test_what_scikit_learn_refuses_is_refused():
    X, W, H = problem()
    negative, with_zero = X - 2, np.where(X.mean() < X, X, 0)
    for model, data, keywords in (
        (NMF(2), negative, {}),
        (NMF(2), np.where(X > 3, np.nan, X), {}),
        (NMF(2, beta_loss=1), X, {}),
        (NMF(2, solver="mu", beta_loss=0), with_zero, {}),
        (NMF(30, init="nndsvd"), X, {}),
        (NMF(4, init="custom"), X, {"W": W[:3], "H": H}),
        (NMF(4, init="custom"), X, {"W": W, "H": H[:, :3]}),
        (NMF(4, init="custom"), X, {"W": -W, "H": H}),
        (NMF(4, init="custom"), X, {"W": 0 * W, "H": H}),
        (NMF(0), X, {}),
        (NMF(solver="als"), X, {}),
    ):
        with pytest.raises(ValueError) as theirs:
            sklearn.decomposition.NMF(**model.get_params()).fit(data, **keywords)
        with pytest.raises(ValueError) as ours:
            model.fit(data, **keywords)
        first, other = (str(error.value).split("\n")[0] for error in (ours, theirs))
        assert first.split("(")[0] == other.split("(")[0]
    with pytest.raises(TypeError, match="same dtype"):
        NMF(4, init="custom").fit(X, W=W.astype(np.float32), H=H)
    with pytest.warns(RuntimeWarning, match="provided W or H are ignored"):
        NMF(4, random_state=0).fit(X, W=W, H=H)
    with pytest.warns(UserWarning, match="cannot update zeros"):
        NMF(4, solver="mu", init="nndsvd", random_state=0).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning, match="Maximum number of iterations 2 reached"):
            NMF(4, max_iter=2, random_state=0).fit(X)


def test_verbose(capsys):
    X, _, _ = problem()
    NMF(2, verbose=1, max_iter=5, random_state=0).fit(X)
    assert capsys.readouterr().out.count("violation:") == 5
    NMF(2, verbose=1, solver="mu", max_iter=20, tol=1e-12, random_state=0).fit(X)
    assert capsys.readouterr().out.count("Epoch") == 2


def test_pickle_clone_names():
    X, _, _ = problem()
    model = NMF(3, random_state=0).fit(X)
    assert_array_equal(pickle.loads(pickle.dumps(model)).transform(X), model.transform(X))
    W = model.transform(X)
    assert_array_equal(model.inverse_transform(W), W @ model.components_)
    assert clone(model).n_components == 3 and not hasattr(clone(model), "components_")
    assert list(model.get_feature_names_out()) == ["nmf0", "nmf1", "nmf2"]
