"""LinearRegression: twin, scikit-learn, optimality, hard data, threads, bad input."""

import pickle

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import smelt
from smelt.linear_model import LinearRegression


def problem(n=300, d=7, targets=None, seed=0, order="C"):
    rng = np.random.default_rng(seed)
    X = np.asarray(rng.standard_normal((n, d)) + rng.uniform(-5, 5, d), order=order)
    width = () if targets is None else (targets,)
    y = X @ rng.standard_normal((d, *width)) + 0.3 * rng.standard_normal((n, *width)) + 2
    return X, y, rng.uniform(0, 2, n)


def both(X, y, weight=None, **parameters):
    ours = LinearRegression(**parameters).fit(X, y, weight)
    theirs = sklearn.linear_model.LinearRegression(**parameters).fit(X, y, weight)
    return ours, theirs


@pytest.mark.parametrize("targets", [None, 1, 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(300, 7), (90, 53), (20, 40)])
def test_equals_twin_and_scikit_learn(targets, weighted, fit_intercept, order, shape):
    X, y, weight = problem(*shape, targets=targets, order=order)
    weight = weight if weighted else None
    ours, theirs = both(X, y, weight, fit_intercept=fit_intercept)
    with smelt.config(engine="plain"):
        twin = LinearRegression(fit_intercept=fit_intercept).fit(X, y, weight)
    for other in (twin, theirs):
        assert ours.coef_.shape == other.coef_.shape
        assert_allclose(ours.coef_, other.coef_, rtol=1e-10, atol=1e-10)
        assert_allclose(ours.intercept_, other.intercept_, rtol=1e-10, atol=1e-10)
        assert ours.rank_ == other.rank_
        assert_allclose(ours.singular_, other.singular_, rtol=1e-9, atol=1e-8)
        assert_allclose(ours.predict(X), other.predict(X), rtol=1e-9, atol=1e-9)


def test_the_gradient_vanishes():
    X, y, weight = problem(5000, 30)
    model = LinearRegression().fit(X, y, weight)
    residual = weight * (y - model.predict(X))
    assert np.abs(X.T @ residual).max() < 1e-8
    assert abs(residual.sum()) < 1e-8


@pytest.mark.parametrize("columns", [[0, 1, 1, 2], [0, 0, 0, 0]])
def test_equal_columns_give_the_shortest_answer(columns):
    X, y, _ = problem(200, 4)
    X = X[:, columns]
    ours, theirs = both(X, y)
    assert ours.rank_ == theirs.rank_ < 4
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-10)
    assert_allclose(ours.singular_, theirs.singular_, atol=1e-8)


def test_constant_columns_and_one_row():
    X, y, _ = problem(100, 3)
    X[:, 1] = 12345.678
    ours, theirs = both(X, y)
    assert ours.rank_ == 2
    assert ours.coef_[1] == pytest.approx(0, abs=1e-12)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-9)
    one = LinearRegression().fit([[1.0, 2.0]], [3.0])
    assert_array_equal(one.coef_, [0, 0])
    assert one.intercept_ == 3


@pytest.mark.parametrize("power", [2, 3.5, 4.5, 6, 7])
def test_ill_conditioned_columns_keep_their_digits(power):
    # Exact data: the error is the solver's own.
    rng = np.random.default_rng(3)
    U, _ = np.linalg.qr(rng.standard_normal((400, 8)))
    V, _ = np.linalg.qr(rng.standard_normal((8, 8)))
    X = U * np.logspace(0, -power, 8) @ V.T
    coef = rng.standard_normal(8)
    ours, theirs = both(X, X @ coef, fit_intercept=False, tol=1e-12)
    error, reference = (np.abs(model.coef_ - coef).max() for model in (ours, theirs))
    assert error < max(30 * reference, 1e-12)
    assert_allclose(ours.singular_, np.logspace(0, -power, 8), rtol=1e-6)


def test_columns_of_very_different_size():
    X, y, _ = problem(1000, 6)
    X = X * np.array([1e4, 1, 1e-1, 1e2, 1, 10])
    ours, theirs = both(X, y)
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-8)
    assert_allclose(ours.singular_, theirs.singular_, rtol=1e-9)


def test_large_means_cancel_nothing():
    X, y, _ = problem(2000, 5)
    far = X + 1e7
    near = far - 1e7  # what is left of X after rounding
    assert_allclose(LinearRegression().fit(far, y).coef_, both(near, y)[1].coef_, rtol=1e-9)


def test_a_drift_through_the_rows_is_centred():
    rng = np.random.default_rng(0)
    X = np.cumsum(rng.standard_normal((5000, 3)), axis=0) + 1e6
    X[0] -= 1e6
    y = X @ [1.0, -2.0, 3.0]
    assert_allclose(LinearRegression().fit(X, y).coef_, [1, -2, 3], rtol=1e-9)


@pytest.mark.parametrize("size", [1e-170, 1e-100, 1e100, 1e170])
def test_huge_and_tiny_numbers(size):
    X, y, _ = problem(100, 4)
    expected = LinearRegression().fit(X, y)
    found = LinearRegression().fit(X * size, y)
    assert_allclose(found.coef_ * size, expected.coef_, rtol=1e-9)
    assert_allclose(found.predict(X * size), expected.predict(X), rtol=1e-9)
    found = LinearRegression().fit(X, y * size)
    assert_allclose(found.coef_ / size, expected.coef_, rtol=1e-9)


def test_float32_stays_and_is_at_least_as_accurate():
    X, y, weight = problem(3000, 12)
    X, y = X.astype(np.float32), y.astype(np.float32)
    truth = sklearn.linear_model.LinearRegression().fit(X.astype(float), y.astype(float), weight)
    ours, theirs = both(X, y, weight)
    assert ours.coef_.dtype == ours.predict(X).dtype == np.float32
    ours_off, theirs_off = (np.abs(m.coef_ - truth.coef_).max() for m in (ours, theirs))
    assert ours_off <= max(theirs_off, 1e-6)


@pytest.mark.parametrize("layout", [sp.csr_matrix, sp.csc_matrix, sp.coo_matrix, sp.csr_array])
@pytest.mark.parametrize("weighted", [False, True])
def test_sparse_equals_dense(layout, weighted):
    rng = np.random.default_rng(1)
    X = sp.random(400, 12, 0.3, random_state=1, format="csr").toarray()
    y = X @ rng.standard_normal((12, 2)) + 0.1 * rng.standard_normal((400, 2)) + 1
    weight = rng.uniform(0, 1, 400) if weighted else None
    dense = LinearRegression().fit(X, y, weight)
    sparse = LinearRegression(tol=1e-12).fit(layout(X), y, weight)
    assert_allclose(sparse.coef_, dense.coef_, rtol=1e-7)
    assert_allclose(sparse.predict(layout(X)), dense.predict(X), rtol=1e-7)
    assert not hasattr(sparse, "rank_")
    with smelt.config(engine="plain"):
        twin = LinearRegression(tol=1e-12).fit(layout(X), y, weight)
    assert_allclose(sparse.coef_, twin.coef_, rtol=1e-9)


@pytest.mark.parametrize("targets", [None, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_positive_equals_scikit_learn(targets, weighted):
    X, y, weight = problem(200, 10, targets=targets)
    weight = weight if weighted else None
    ours, theirs = both(X, y, weight, positive=True)
    assert (ours.coef_ >= 0).all() and (ours.coef_ == 0).any()
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-10)
    assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9)
    with smelt.config(engine="plain"):
        twin = LinearRegression(positive=True).fit(X, y, weight)
    assert_allclose(ours.coef_, twin.coef_, atol=1e-11)


@pytest.mark.parametrize("shape", [(20_000, 20), (300, 700), (2000, 1100)])
def test_threads_do_not_change_bits(shape):
    X, y, weight = problem(*shape)
    found = [LinearRegression(n_jobs=jobs).fit(X, y, weight).coef_ for jobs in (1, 2, 7)]
    assert_array_equal(found[0], found[1])
    assert_array_equal(found[0], found[2])


def test_zero_weight_is_absence_and_whole_weight_is_repetition():
    X, y, _ = problem(60, 4)
    weight = np.random.default_rng(0).integers(0, 3, 60)
    weighted = LinearRegression().fit(X, y, weight)
    repeated = LinearRegression().fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-11)
    assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-11)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(50, 3), (3, 9)])
@pytest.mark.parametrize("engine", ["rust", "plain"])
def test_not_finite_is_refused_in_scikit_learns_words(bad, shape, engine):
    X, y, _ = problem(*shape)
    X[2, 1] = bad
    message = "Input X contains NaN" if np.isnan(bad) else "Input X contains infinity"
    with smelt.config(engine=engine), pytest.raises(ValueError, match=message):
        LinearRegression().fit(X, y)
    X, y, _ = problem(*shape)
    y[1] = bad
    with smelt.config(engine=engine), pytest.raises(ValueError, match="Input y contains"):
        LinearRegression().fit(X, y)


def test_bad_weights_and_shapes():
    X, y, weight = problem(50, 3)
    with pytest.raises(ValueError, match="sample_weight"):
        LinearRegression().fit(X, y, -weight)
    with pytest.raises(ValueError, match="at least one non-zero"):
        LinearRegression().fit(X, y, np.zeros(50))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        LinearRegression().fit(X, y[:-1])
    with pytest.raises(ValueError, match="'tol'"):
        LinearRegression(tol=-1).fit(X, y)


def test_the_callers_data_are_left_alone_and_strides_do_not_matter():
    X, y, _ = problem(200, 9)
    before = X.copy()
    every_other = LinearRegression(copy_X=False).fit(X[:, ::2], y)
    assert_array_equal(X, before)
    assert_allclose(every_other.coef_, LinearRegression().fit(X[:, ::2].copy(), y).coef_)
    backwards = LinearRegression().fit(X[::-1, ::-1], y[::-1])
    assert_allclose(backwards.coef_[::-1], LinearRegression().fit(X, y).coef_, rtol=1e-10)


def test_pickle_clone_and_joblib():
    X, y, _ = problem()
    model = LinearRegression().fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(copy.predict(X), model.predict(X))
    assert not hasattr(clone(model), "coef_")
    parallel = joblib.Parallel(n_jobs=2)(
        joblib.delayed(LinearRegression().fit)(X, y) for _ in range(2)
    )
    assert_array_equal(parallel[0].coef_, model.coef_)
