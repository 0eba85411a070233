"""FastICA: twin, scikit-learn, recovered sources, threads, bad input."""

import pickle
import warnings

import numpy as np
import pytest
import sklearn.decomposition
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import smelt
from smelt.decomposition import FastICA


def problem(n=3000, k=4, d=6, seed=0):
    """Mixed sources of different shapes, about large means."""
    rng = np.random.default_rng(seed)
    uniform, laplace = rng.uniform(-1, 1, (n, k)), rng.laplace(size=(n, k))
    sources = np.where(np.arange(k) % 2, uniform, laplace)
    return sources @ rng.standard_normal((k, d)) + 1e-3 * rng.standard_normal((n, d)) + 3, sources


def twin(X, **parameters):
    with smelt.config(engine="plain"):
        return FastICA(**parameters).fit(X)


@pytest.mark.parametrize("fun", ["logcosh", "exp", "cube"])
@pytest.mark.parametrize("algorithm", ["parallel", "deflation"])
@pytest.mark.parametrize("whiten", ["unit-variance", "arbitrary-variance", False])
def test_equals_twin_and_scikit_learn(fun, algorithm, whiten):
    X, _ = problem()
    if not whiten:
        X = sklearn.decomposition.PCA(4, whiten=True).fit_transform(X)
    parameters = {
        "n_components": 4 if whiten else None,
        "algorithm": algorithm,
        "fun": fun,
        "whiten": whiten,
        "tol": 1e-9,
        "max_iter": 400,
        "random_state": 0,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours = FastICA(**parameters).fit(X)
        theirs = sklearn.decomposition.FastICA(**parameters).fit(X)
        plain = twin(X, **parameters)
    for other in (theirs, plain):
        assert abs(ours.n_iter_ - other.n_iter_) <= 1
        for name in ("components_", "mixing_", "_unmixing"):
            size = np.abs(getattr(other, name)).max()
            assert_allclose(getattr(ours, name), getattr(other, name), atol=1e-5 * size)
        assert_allclose(ours.transform(X), other.transform(X), atol=1e-4)
        if whiten:
            assert_allclose(ours.mean_, other.mean_)
            size = np.abs(other.whitening_).max()
            assert_allclose(ours.whitening_, other.whitening_, atol=1e-7 * size)
    assert_allclose(ours.fit_transform(X), ours.transform(X))
    assert_allclose(ours.inverse_transform(ours.transform(X)), X, atol=0.02)


def test_sources_are_found():
    X, sources = problem(20_000)
    found = FastICA(4, random_state=0).fit_transform(X)
    assert np.abs(np.corrcoef(found.T, sources.T)[:4, 4:]).max(axis=0).min() > 0.999
    assert_allclose(found.std(axis=0), 1)


def test_wide_and_low_rank_data():
    rng = np.random.default_rng(0)
    for shape in ((30, 50), (400, 8)):
        X = rng.laplace(size=(shape[0], 3)) @ rng.standard_normal((3, shape[1]))
        X += 1e-9 * rng.standard_normal(shape)
        ours = FastICA(3, random_state=0, max_iter=1000).fit(X)
        theirs = sklearn.decomposition.FastICA(3, random_state=0, max_iter=1000).fit(X)
        assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-5)
        all_of_them = FastICA(random_state=0, max_iter=5, whiten_solver="svd")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            assert np.isfinite(all_of_them.fit_transform(X)).all()


def test_a_callable_is_the_built_in():
    X, _ = problem()

    def cube(u, power=3):
        return u**power, (power * u ** (power - 1)).mean(axis=-1)

    ours = FastICA(4, fun=cube, fun_args={"power": 3}, random_state=0).fit(X)
    assert_allclose(ours.components_, FastICA(4, fun="cube", random_state=0).fit(X).components_)


def test_start_and_alpha():
    X, _ = problem()
    start = np.random.default_rng(0).standard_normal((4, 4))
    parameters = {"n_components": 4, "w_init": start, "fun_args": {"alpha": 1.5}, "tol": 1e-10}
    ours = FastICA(**parameters).fit(X)
    theirs = sklearn.decomposition.FastICA(**parameters).fit(X)
    assert_allclose(ours.components_, theirs.components_, atol=1e-6)


def test_float32_stays():
    X, _ = problem()
    found = FastICA(4, random_state=0).fit(X.astype(np.float32))
    exact = FastICA(4, random_state=0).fit(X)
    for value in (
        found.components_,
        found.mixing_,
        found.mean_,
        found.transform(X[:9].astype("f")),
    ):
        assert value.dtype == np.float32
    size = np.abs(exact.components_).max()
    assert_allclose(found.components_, exact.components_, atol=2e-3 * size)


@pytest.mark.parametrize("algorithm", ["parallel", "deflation"])
def test_threads_do_not_change_bits(algorithm):
    X, _ = problem(30_000, 5, 5)
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            found.append(FastICA(algorithm=algorithm, random_state=0).fit(X).components_)
    assert_array_equal(found[0], found[1])
    assert_array_equal(found[0], found[2])


def test_warnings_and_errors():
    X, _ = problem(200)
    with pytest.warns(ConvergenceWarning, match="FastICA did not converge"):
        FastICA(4, max_iter=1, tol=1e-14, random_state=0).fit(X)
    with pytest.warns(UserWarning, match="n_components is too large: it will be set to 6"):
        FastICA(9, random_state=0, max_iter=500, tol=0.1).fit(X)
    with pytest.warns(UserWarning, match="Ignoring n_components with whiten=False"):
        FastICA(2, whiten=False, random_state=0, max_iter=500, tol=0.1).fit(X)
    for model in (
        FastICA(fun_args={"alpha": 3}),
        FastICA(3, w_init=np.eye(2)),
        FastICA(fun="tanh"),
        FastICA(whiten=True),
    ):
        with pytest.raises(ValueError):
            model.fit(X)
    for engine in ("rust", "plain"):
        for bad, words in ((np.nan, "Input X contains NaN"), (np.inf, "Input X contains infinity")):
            X[3, 1] = bad
            with smelt.config(engine=engine), pytest.raises(ValueError, match=words):
                FastICA(2).fit(X)


def test_pickle_clone_names():
    X, _ = problem()
    model = FastICA(3, random_state=0).fit(X)
    assert_array_equal(pickle.loads(pickle.dumps(model)).transform(X), model.transform(X))
    assert clone(model).n_components == 3 and not hasattr(clone(model), "components_")
    assert list(model.get_feature_names_out()) == ["fastica0", "fastica1", "fastica2"]
