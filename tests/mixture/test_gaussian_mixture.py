"""GaussianMixture: twin, scikit-learn, the geyser, starts, likelihood, bad input."""

import warnings

import numpy as np
import pytest
import sklearn.mixture
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning

import smelt
from smelt.mixture import GaussianMixture

KINDS = ("full", "tied", "diag", "spherical")
STARTS = ("kmeans", "k-means++", "random", "random_from_data")


def rows(n=600, d=5, k=4, seed=0, dtype=np.float64):
    """Clouds that overlap and are not round."""
    X, _ = make_blobs(n, d, centers=k, cluster_std=1.5, center_box=(-4, 4), random_state=seed)
    turn = np.random.default_rng(seed).standard_normal((d, d))
    return (X @ turn + 20).astype(dtype)


def agree(ours, theirs, X, tolerance=1e-7):
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.converged_ == theirs.converged_
    names = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_")
    for name in (*names, "lower_bounds_", "lower_bound_"):
        mine, other = getattr(ours, name), getattr(theirs, name)
        assert np.shape(mine) == np.shape(other), name
        scale = np.abs(other).max()
        assert_allclose(mine, other, rtol=tolerance, atol=tolerance * scale, err_msg=name)
    assert_array_equal(ours.predict(X), theirs.predict(X))
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=10 * tolerance)
    assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(("n", "d", "k"), [(600, 5, 4), (97, 1, 3), (400, 17, 2), (64, 2, 1)])
def test_equals_twin_and_scikit_learn(kind, start, n, d, k):
    X = rows(n, d, k)
    parameters = {
        "n_components": k,
        "covariance_type": kind,
        "init_params": start,
        "random_state": 3,
        "max_iter": 12,
        "reg_covar": 1e-3,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = sklearn.mixture.GaussianMixture(**parameters).fit(X)
        ours = GaussianMixture(**parameters).fit(X)
        with smelt.config(engine="plain"):
            plain = GaussianMixture(**parameters).fit(X)
    agree(ours, theirs, X)
    for name in ("means_", "covariances_", "lower_bounds_"):
        scale = np.abs(getattr(plain, name)).max()
        assert_allclose(getattr(ours, name), getattr(plain, name), atol=1e-9 * scale)


@pytest.mark.parametrize("kind", KINDS)
def test_given_starts_and_several_of_them(kind):
    X, d, k = rows(), 5, 4
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(k))
    means = X[rng.choice(len(X), k, replace=False)]
    root = rng.standard_normal((k, d, d))
    matrices = root @ np.swapaxes(root, 1, 2) + np.eye(d)
    precisions = {
        "full": matrices,
        "tied": matrices[0],
        "diag": np.diagonal(matrices, axis1=1, axis2=2),
        "spherical": matrices[:, 0, 0],
    }[kind]
    for given in (
        {"weights_init": weights, "means_init": means, "precisions_init": precisions},
        {"means_init": means.tolist()},
        {"precisions_init": precisions},
        {"weights_init": weights},
        {"n_init": 3, "tol": 1e-2},
    ):
        parameters = {"n_components": k, "covariance_type": kind, "random_state": 1, **given}
        theirs = sklearn.mixture.GaussianMixture(**parameters).fit(X)
        agree(GaussianMixture(**parameters).fit(X), theirs, X)


def test_the_geyser(data_folder):
    X = np.loadtxt(data_folder / "faithful" / "faithful.csv", delimiter=",", skiprows=1)
    model = GaussianMixture(2, random_state=0, tol=1e-9, max_iter=500).fit(X)
    order = np.argsort(model.means_[:, 0])
    assert_array_equal(model.means_[order, 0].round(2), [2.04, 4.29])
    assert_array_equal(model.means_[order, 1].round(1), [54.5, 80.0])
    assert round(model.score(X) * len(X), 2) == -1130.26


def test_iris_by_bic_and_aic():
    X = load_iris().data
    for k in (1, 2, 3, 4):
        for kind in KINDS:
            parameters = {"n_components": k, "covariance_type": kind, "random_state": 0}
            ours = GaussianMixture(**parameters).fit(X)
            theirs = sklearn.mixture.GaussianMixture(**parameters).fit(X)
            assert_allclose(ours.bic(X), theirs.bic(X), rtol=1e-6)
            assert_allclose(ours.aic(X), theirs.aic(X), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_scikit_learns(kind):
    X = rows()
    parameters = {"n_components": 3, "covariance_type": kind, "random_state": 5}
    ours = GaussianMixture(**parameters).fit(X)
    theirs = sklearn.mixture.GaussianMixture(**parameters).fit(X)
    (found, of), (expected, expected_of) = ours.sample(200), theirs.sample(200)
    assert_array_equal(of, expected_of)
    assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="The sampling requires at least one sample"):
        ours.sample(0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_likelihood_never_falls(kind):
    X = rows(2000, 3, 6, seed=4)
    model = GaussianMixture(6, covariance_type=kind, tol=0, max_iter=60, reg_covar=0)
    with pytest.warns(ConvergenceWarning, match="did not converge"):
        model.set_params(init_params="random", random_state=0).fit(X)
    assert (np.diff(model.lower_bounds_) > -1e-9).all()
    assert model.lower_bound_ <= model.score(X) + 1e-9


def test_moving_and_stretching_the_data_moves_and_stretches_the_mixture():
    X = rows()
    scale, shift = np.array([1e-3, 1, 50, 1e4, 2]), np.array([1e5, -3e6, 0, 1e8, 7])
    labels = GaussianMixture(4, random_state=0, reg_covar=0).fit(X)
    start = {"weights_init": labels.weights_, "means_init": labels.means_}
    precisions = labels.precisions_
    one = GaussianMixture(4, **start, precisions_init=precisions, reg_covar=0, max_iter=5, tol=0)
    other = clone(one).set_params(
        means_init=labels.means_ * scale + shift,
        precisions_init=(precisions / scale / scale[:, None]),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        one.fit(X)
        other.fit(X * scale + shift)
    assert_allclose(other.means_, one.means_ * scale + shift, rtol=1e-7)
    expected = one.covariances_ * scale * scale[:, None]
    assert_allclose(other.covariances_, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).min())


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_stays_single(kind):
    X = rows(3000, 6, 3)
    parameters = {"n_components": 3, "covariance_type": kind, "random_state": 0}
    double = GaussianMixture(**parameters).fit(X)
    single = GaussianMixture(**parameters).fit(X.astype(np.float32))
    for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        assert getattr(single, name).dtype == np.float32
    assert_allclose(single.score(X.astype(np.float32)), double.score(X), rtol=1e-4)
    assert single.score_samples(X.astype(np.float32)).dtype == np.float32
    assert single.predict_proba(X).dtype == np.float64
    assert (single.predict(X.astype(np.float32)) == double.predict(X)).mean() > 0.98


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_threads_and_layouts_do_not_change_a_bit(kind, dtype):
    X = rows(5000, 7, 5, dtype=dtype)
    found = []
    for threads, order in ((1, "C"), (2, "F"), (7, "C")):
        with smelt.config(n_threads=threads):
            model = GaussianMixture(5, covariance_type=kind, random_state=0)
            model.fit(np.asarray(X, order=order))
            answers = (model.predict_proba(X), model.score_samples(np.asarray(X, order=order)))
            found.append((model.means_, model.covariances_, *answers))
    for others in found[1:]:
        for ours, other in zip(found[0], others, strict=True):
            assert_array_equal(ours, other)


def test_a_fit_goes_on_where_the_last_ended():
    X = rows()
    parameters = {"n_components": 4, "random_state": 0, "tol": 0, "warm_start": True}
    ours = GaussianMixture(max_iter=3, **parameters)
    theirs = sklearn.mixture.GaussianMixture(max_iter=3, **parameters)
    whole = GaussianMixture(max_iter=9, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(3):
            agree(ours.fit(X), theirs.fit(X), X)
        whole.fit(X)
    assert_allclose(ours.means_, whole.means_, rtol=1e-9)


def test_labels_of_the_fit_are_those_of_predict():
    X = rows()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for max_iter in (0, 1, 100):
            model = GaussianMixture(4, random_state=0, max_iter=max_iter)
            assert_array_equal(model.fit_predict(X), model.predict(X))
            assert model.n_iter_ == len(model.lower_bounds_) <= max_iter


def test_progress_is_told(capsys):
    X = rows()
    options = {"n_components": 2, "random_state": 0, "verbose_interval": 2, "n_init": 2}
    for verbose in (1, 2):
        GaussianMixture(verbose=verbose, **options).fit(X)
        ours = capsys.readouterr().out
        sklearn.mixture.GaussianMixture(verbose=verbose, **options).fit(X)
        theirs = capsys.readouterr().out

        def words(text):
            return [part for part in text.split() if not any(c.isdigit() for c in part)]

        assert words(ours) == words(theirs)
        assert "Initialization 1" in ours


@pytest.mark.parametrize("kind", KINDS)
def test_a_component_that_dies_out_is_no_accident(kind):
    X = np.r_[np.zeros((50, 2)), np.ones((50, 2))] + np.random.default_rng(0).normal(
        0, 0.1, (100, 2)
    )
    parameters = {
        "n_components": 3,
        "covariance_type": kind,
        "weights_init": [0.5, 0.5, 0.0],
        "means_init": [[0, 0], [1, 1], [500.0, 500]],
        "precisions_init": {
            "full": [np.eye(2) * 50] * 3,
            "tied": np.eye(2) * 50,
            "diag": np.full((3, 2), 50.0),
            "spherical": np.full(3, 50.0),
        }[kind],
        "max_iter": 3,
        "tol": 0,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = GaussianMixture(**parameters).fit(X)
        theirs = sklearn.mixture.GaussianMixture(**parameters).fit(X)
    assert_allclose(ours.weights_, theirs.weights_, atol=1e-12)
    assert_allclose(ours.means_[:2], theirs.means_[:2], rtol=1e-9)
    assert_allclose(ours.score(X), theirs.score(X), rtol=1e-9)


def test_bad_input():
    X = rows()
    with pytest.raises(ValueError, match="Expected n_samples >= n_components but got"):
        GaussianMixture(7).fit(X[:6])
    with pytest.raises(ValueError, match="contains NaN"):
        GaussianMixture().fit(np.where(X > 30, np.nan, X))
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        GaussianMixture().fit(X[:1])
    flat = np.zeros((20, 3))
    for kind in KINDS:
        model = GaussianMixture(1, covariance_type=kind, reg_covar=0)
        with pytest.raises(ValueError, match="ill-defined empirical covariance") as error:
            model.fit(flat)
        assert "float32" not in str(error.value)
        with pytest.raises(ValueError, match="passing float64 data instead of float32"):
            model.fit(flat.astype(np.float32))
    given = {
        "weights_init": [
            ([0.5, 0.5, 0.5], "should have the shape of"),
            ([0.7, 0.7], "should be normalized"),
            ([1.5, -0.5], r"in the range \[0, 1\]"),
        ],
        "means_init": [(X[:3], "should have the shape of")],
        "precisions_init": [
            (np.ones((2, 5, 5)), "symmetric, positive-definite"),
            (np.ones(2), "'full precision' should have the shape of"),
        ],
    }
    for name, cases in given.items():
        for value, message in cases:
            with pytest.raises(ValueError, match=message):
                GaussianMixture(2, **{name: value}).fit(X)
    with pytest.raises(ValueError, match="'diag precision' should be positive"):
        GaussianMixture(2, covariance_type="diag", precisions_init=-np.ones((2, 5))).fit(X)
    with pytest.raises(ValueError, match="'covariance_type' parameter"):
        GaussianMixture(covariance_type="round").fit(X)


def test_a_failed_fit_leaves_the_last_one():
    X = rows()
    model = GaussianMixture(2, random_state=0).fit(X)
    before = model.predict(X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X * np.nan)
    assert_array_equal(model.predict(X), before)
