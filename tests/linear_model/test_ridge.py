"""Ridge: twin, scikit-learn, optimality, every solver, hard data, threads, bad input."""

import pickle
import signal
import threading
import time

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import smelt
from smelt.linear_model import LinearRegression, Ridge

DENSE = ["auto", "cholesky", "svd", "sparse_cg", "lsqr", "sag", "saga"]


def problem(n=300, d=7, targets=None, seed=0, order="C"):
    rng = np.random.default_rng(seed)
    X = np.asarray(rng.standard_normal((n, d)) + rng.uniform(-2, 2, d), order=order)
    width = () if targets is None else (targets,)
    y = X @ rng.standard_normal((d, *width)) + 0.3 * rng.standard_normal((n, *width)) + 2
    return X, y, rng.uniform(0, 2, n)


def twin(X, y, weight=None, **parameters):
    with smelt.config(engine="plain"):
        return Ridge(**parameters).fit(X, y, weight)


def exact(X, y, weight=None, **parameters):
    """scikit-learn's answer by its most accurate solver."""
    return sklearn.linear_model.Ridge(**parameters, solver="svd").fit(X, y, weight)


def agree(ours, other, tolerance):
    assert ours.coef_.shape == other.coef_.shape
    assert np.shape(ours.intercept_) == np.shape(other.intercept_)
    assert_allclose(ours.coef_, other.coef_, rtol=tolerance, atol=tolerance)
    assert_allclose(ours.intercept_, other.intercept_, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("solver", DENSE)
@pytest.mark.parametrize("targets", [None, 1, 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("shape", [(300, 7), (20, 40)])
def test_equals_twin_and_scikit_learn(solver, targets, weighted, fit_intercept, shape):
    X, y, weight = problem(*shape, targets=targets)
    weight = weight if weighted else None
    parameters = {"alpha": 0.7, "fit_intercept": fit_intercept}
    ours = Ridge(**parameters, solver=solver, tol=1e-10).fit(X, y, weight)
    agree(ours, twin(X, y, weight, **parameters, solver=solver, tol=1e-10), 1e-9)
    agree(ours, exact(X, y, weight, **parameters), 1e-7)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(500, 21), (40, 333), (200, 1050)])
def test_cholesky_equals_twin_to_ten_digits(order, shape):
    X, y, weight = problem(*shape, targets=2, order=order)
    agree(Ridge().fit(X, y, weight), twin(X, y, weight), 1e-10)
    agree(Ridge().fit(X, y, weight), exact(X, y, weight), 1e-9)


def test_the_gradient_vanishes():
    X, y, weight = problem(5000, 30)
    model = Ridge(alpha=12.0).fit(X, y, weight)
    residual = weight * (y - model.predict(X))
    assert np.abs(X.T @ residual - 12.0 * model.coef_).max() < 1e-8
    assert abs(residual.sum()) < 1e-8


@pytest.mark.parametrize("shape", [(100, 6), (8, 20)])
@pytest.mark.parametrize("solver", ["cholesky", "svd", "sparse_cg", "lsqr"])
def test_a_penalty_for_each_target(shape, solver):
    X, y, _ = problem(*shape, targets=3)
    alpha = [0.1, 10.0, 0.1]
    ours = Ridge(alpha=alpha, solver=solver, tol=1e-12).fit(X, y)
    agree(ours, sklearn.linear_model.Ridge(alpha=alpha).fit(X, y), 1e-8)
    with pytest.raises(ValueError, match="Number of targets and number of penalties"):
        Ridge(alpha=[1.0, 2.0], solver=solver).fit(X, y)


def test_n_iter_and_solver():
    X, y, _ = problem(targets=2)
    assert Ridge().fit(X, y).solver_ == "cholesky"
    assert Ridge().fit(X, y).n_iter_ is None
    assert Ridge().fit(sp.csr_matrix(X), y).solver_ == "sparse_cg"
    assert_array_equal(Ridge(solver="sag").fit(X, y).n_iter_, [1, 1])
    found = Ridge(solver="lsqr", max_iter=3, tol=1e-15).fit(X, y)
    assert found.solver_ == "lsqr"
    assert_array_equal(found.n_iter_, [3, 3])
    assert Ridge(positive=True).fit(X, y).solver_ == "active_set"


def test_lsqr_steps_as_scipys():
    X, y, _ = problem(200, 15)
    ours = Ridge(solver="lsqr", tol=1e-6).fit(X, y)
    theirs = sklearn.linear_model.Ridge(solver="lsqr", tol=1e-6).fit(X, y)
    assert abs(int(ours.n_iter_[0]) - int(theirs.n_iter_[0])) <= 1


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(300, 20), (30, 80)])
def test_sparse_equals_dense(fit_intercept, weighted, shape):
    rng = np.random.default_rng(1)
    X = sp.random(*shape, 0.3, random_state=1, format="csr")
    y = X @ rng.standard_normal((shape[1], 2)) + 0.1 * rng.standard_normal((shape[0], 2)) + 1
    weight = rng.uniform(0, 1, shape[0]) if weighted else None
    dense = Ridge(fit_intercept=fit_intercept).fit(X.toarray(), y, weight)
    solvers = ["auto", "sparse_cg", "lsqr", "sag"] + ([] if fit_intercept else ["cholesky", "saga"])
    for solver in solvers:
        for layout in (X, X.tocsc(), X.tocoo()):
            parameters = {"fit_intercept": fit_intercept, "solver": solver, "tol": 1e-10}
            sparse = Ridge(**parameters).fit(layout, y, weight)
            agree(sparse, dense, 1e-7)
        agree(sparse, twin(X, y, weight, **parameters), 1e-7)
    positive = Ridge(fit_intercept=fit_intercept, positive=True)
    dense = clone(positive).fit(X.toarray(), y, weight)
    agree(positive.fit(X, y, weight), dense, 1e-9)


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("shape", [(200, 10), (15, 30)])
def test_positive(fit_intercept, shape):
    X, y, weight = problem(*shape)
    parameters = {"alpha": 0.3, "fit_intercept": fit_intercept, "positive": True}
    ours = Ridge(**parameters).fit(X, y, weight)
    theirs = sklearn.linear_model.Ridge(**parameters, tol=1e-12).fit(X, y, weight)
    assert (ours.coef_ >= 0).all()
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    agree(ours, twin(X, y, weight, **parameters), 1e-9)
    # Karush, Kuhn, Tucker: no slope where free, uphill where fixed.
    slope = X.T @ (weight * (ours.predict(X) - y)) + 0.3 * ours.coef_
    assert np.abs(slope[ours.coef_ > 0]).max() < 1e-8
    assert slope[ours.coef_ == 0].min() > -1e-8


def test_a_singular_system_is_answered_by_svd():
    X, y, _ = problem(100, 3)
    X = X[:, [0, 1, 1, 2]]
    model = Ridge(alpha=0).fit(X, y)
    assert model.solver_ == "svd"
    assert_allclose(model.coef_, LinearRegression().fit(X, y).coef_, rtol=1e-9)
    assert twin(X, y, alpha=0).solver_ == "svd"


@pytest.mark.parametrize("shape", [(100, 4), (4, 9)])
@pytest.mark.parametrize("size", [1e-170, 1e170])
def test_huge_and_tiny_numbers(shape, size):
    X, y, _ = problem(*shape)
    assert_allclose(
        Ridge(alpha=0.0).fit(X * size, y).coef_ * size, Ridge(alpha=0.0).fit(X, y).coef_, rtol=1e-8
    )
    found = Ridge().fit(X, y * size)
    assert_allclose(found.coef_ / size, Ridge().fit(X, y).coef_, rtol=1e-8)


def test_float32_stays_and_is_at_least_as_accurate():
    X, y, _ = problem(3000, 12)
    X, y = X.astype(np.float32), y.astype(np.float32)
    truth = exact(X.astype(float), y.astype(float))
    for solver in DENSE:
        ours = Ridge(solver=solver, tol=1e-8).fit(X, y)
        theirs = sklearn.linear_model.Ridge().fit(X, y)
        assert ours.coef_.dtype == ours.predict(X).dtype == np.float32
        ours_off, theirs_off = (np.abs(m.coef_ - truth.coef_).max() for m in (ours, theirs))
        assert ours_off <= max(theirs_off, 1e-6)


@pytest.mark.parametrize("solver", ["cholesky", "svd", "sparse_cg", "lsqr"])
@pytest.mark.parametrize("shape", [(20_000, 20), (300, 700)])
def test_threads_do_not_change_bits(solver, shape):
    X, y, weight = problem(*shape)
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            found.append(Ridge(solver=solver).fit(X, y, weight).coef_)
    assert_array_equal(found[0], found[1])
    assert_array_equal(found[0], found[2])


@pytest.mark.parametrize("engine", ["rust", "plain"])
@pytest.mark.parametrize("solver", DENSE)
@pytest.mark.parametrize("shape", [(50, 3), (3, 9)])
def test_not_finite_is_refused_in_scikit_learns_words(engine, solver, shape):
    for bad, words in ((np.nan, "Input X contains NaN"), (np.inf, "Input X contains infinity")):
        X, y, _ = problem(*shape)
        X[2, 1] = bad
        with smelt.config(engine=engine), pytest.raises(ValueError, match=words):
            Ridge(solver=solver).fit(X, y)


def test_what_scikit_learn_refuses_is_refused():
    X, y, weight = problem(50, 3)
    sparse = sp.csr_matrix(X)
    refused = [
        (Ridge(solver="lbfgs"), X),
        (Ridge(positive=True, solver="svd"), X),
        (Ridge(solver="svd"), sparse),
        (Ridge(solver="cholesky"), sparse),
        (Ridge(solver="saga"), sparse),
        (Ridge(alpha=-1), X),
        (Ridge(alpha=[-1.0]), X),
        (Ridge(solver="newton"), X),
        (Ridge(max_iter=0), X),
    ]
    for model, data in refused:
        with pytest.raises(ValueError):
            model.fit(data, y)
    with pytest.raises(TypeError, match="SVD solver does not support sparse"):
        Ridge(solver="svd", fit_intercept=False).fit(sparse, y)
    with pytest.raises(ValueError, match="sample_weight"):
        Ridge().fit(X, y, -weight)


def test_interrupting_is_answered():
    X, y, _ = problem(20_000, 1500)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main = threading.get_ident()
    times = []

    def interrupt():
        times.append(time.perf_counter())
        signal.pthread_kill(main, signal.SIGINT)

    with smelt.config(n_threads=1):
        timer = threading.Timer(0.3, interrupt)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            for _ in range(20):
                Ridge().fit(X, y)
        assert time.perf_counter() - times[0] < 1.0


def test_pickle_and_clone():
    X, y, _ = problem()
    model = Ridge(alpha=2.0).fit(X, y)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    assert clone(model).alpha == 2.0 and not hasattr(clone(model), "coef_")
