"""GaussianNB: twin, scikit-learn, batches, weights, hard data, threads, bad input."""

import pickle

import numpy as np
import pytest
import sklearn.naive_bayes
from numpy.testing import assert_allclose, assert_array_equal

import smelt
from smelt.naive_bayes import GaussianNB

OUTPUTS = ["predict_joint_log_proba", "predict_log_proba", "predict_proba"]


def problem(n=400, d=7, k=3, seed=0, dtype=np.float64, order="C"):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    X = rng.standard_normal((n, d)) * rng.uniform(0.2, 3, (k, d))[y]
    X += rng.uniform(-2, 2, (k, d))[y]
    return np.asarray(X, dtype=dtype, order=order), y, rng.uniform(0, 2, n)


def agree(ours, theirs, X, tolerance=1e-9):
    for name in ("theta_", "var_", "class_count_", "class_prior_", "epsilon_"):
        mine, other = getattr(ours, name), getattr(theirs, name)
        assert_allclose(mine, other, rtol=tolerance, atol=tolerance, err_msg=name)
        assert np.asarray(mine).dtype == np.asarray(other).dtype, name
    assert_array_equal(ours.classes_, theirs.classes_)
    assert_array_equal(ours.predict(X), theirs.predict(X))
    for name in OUTPUTS:
        mine, other = getattr(ours, name)(X), getattr(theirs, name)(X)
        assert mine.dtype == other.dtype
        assert_allclose(mine, other, rtol=tolerance * 100, atol=tolerance * 10, err_msg=name)


@pytest.mark.parametrize("shape", [(400, 7), (3, 1), (50, 33), (2000, 4)])
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_equals_twin_and_scikit_learn(shape, k, weighted, order):
    X, y, weight = problem(*shape, k=min(k, shape[0]), order=order)
    weight = weight if weighted else None
    ours = GaussianNB().fit(X, y, weight)
    agree(ours, sklearn.naive_bayes.GaussianNB().fit(X, y, weight), X)
    with smelt.config(engine="plain"):
        agree(ours, GaussianNB().fit(X, y, weight), X)


def test_parameters_and_labels():
    X, y, _ = problem()
    names = np.array(["a", "bb", "c"], dtype=object)[y]
    parameters = {"priors": [0.2, 0.5, 0.3], "var_smoothing": 0.1}
    theirs = sklearn.naive_bayes.GaussianNB(**parameters).fit(X, names)
    agree(GaussianNB(**parameters).fit(X, names), theirs, X)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batches_as_scikit_learns(weighted, dtype):
    X, y, weight = problem(dtype=dtype)
    ours, theirs = GaussianNB(), sklearn.naive_bayes.GaussianNB()
    for part in (slice(0, 9), slice(9, 200), slice(200, 400)):
        batch = (X[part], y[part])
        options = {"sample_weight": weight[part] if weighted else None}
        for model in (ours, theirs):
            model.partial_fit(*batch, classes=[0, 1, 2, 9], **options)
        agree(ours, theirs, X, 1e-9 if dtype == np.float64 else 3e-5)
    assert ours.class_count_[3] == 0 and ours.class_prior_[3] == 0


def test_batches_merge_to_the_whole():
    X, y, _ = problem(3000)
    whole = GaussianNB(var_smoothing=0.0).fit(X, y)
    parts = GaussianNB(var_smoothing=0.0)
    for part in np.array_split(np.arange(len(X)), 7):
        parts.partial_fit(X[part], y[part], classes=[0, 1, 2])
    agree(parts, whole, X, 1e-10) if parts.epsilon_ == whole.epsilon_ else pytest.fail("epsilon")


def test_far_from_zero_and_mixed_sizes():
    X, y, _ = problem(5000)
    far = X + 1e7 * np.arange(7)
    ours = GaussianNB(var_smoothing=0.0).fit(far, y)
    near = GaussianNB(var_smoothing=0.0).fit(X, y)
    assert_allclose(ours.var_, near.var_, rtol=1e-7)
    assert_allclose(ours.predict_proba(far), near.predict_proba(X), atol=1e-5)
    outlier = X.copy()
    outlier[0] = 1e8  # the first row of its class, about which sums are taken at first
    theirs = sklearn.naive_bayes.GaussianNB().fit(outlier, y)
    assert_allclose(GaussianNB().fit(outlier, y).var_, theirs.var_, rtol=1e-9)


def test_constant_columns_and_weights_of_zero():
    X, y, weight = problem()
    X[:, 2] = 0.1
    weight[y == 1] = 0
    ours = GaussianNB().fit(X, y, weight)
    assert_array_equal(ours.var_[[0, 2], 2], ours.epsilon_)
    with np.errstate(divide="ignore"):
        agree(ours, sklearn.naive_bayes.GaussianNB().fit(X, y, weight), X)


def test_float32():
    X, y, _ = problem(3000, dtype=np.float32)
    ours = GaussianNB().fit(X, y)
    truth = GaussianNB().fit(X.astype(float), y)
    assert ours.theta_.dtype == ours.predict_proba(X).dtype == np.float32
    assert_allclose(ours.theta_, truth.theta_, rtol=1e-6)
    assert_allclose(ours.predict_proba(X), truth.predict_proba(X.astype(float)), atol=2e-5)
    assert truth.predict_proba(X).dtype == np.float64


@pytest.mark.parametrize("weighted", [False, True])
def test_threads_do_not_change_bits(weighted):
    X, y, weight = problem(30_000, 11)
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            model = GaussianNB().fit(X, y, weight if weighted else None)
            found.append((model.theta_, model.var_, model.predict_proba(X), model.predict(X)))
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


@pytest.mark.parametrize("engine", ["rust", "plain"])
def test_not_finite_is_refused_in_scikit_learns_words(engine):
    for bad, words in ((np.nan, "Input X contains NaN"), (-np.inf, "Input X contains infinity")):
        X, y, weight = problem()
        model = GaussianNB().fit(X, y)
        X[5, 3] = bad
        with smelt.config(engine=engine):
            for method in ("predict", *OUTPUTS):
                with pytest.raises(ValueError, match=words):
                    getattr(model, method)(X)
            with pytest.raises(ValueError, match=words):
                model.fit(X, y)
            with pytest.raises(ValueError, match=words):
                model.fit(X, y, weight)
        assert model.class_count_.sum() == 400  # as it was


def test_bad_input():
    X, y, _ = problem()
    refused = [
        ({"priors": [0.5, 0.5]}, "Number of priors"),
        ({"priors": [0.5, 0.5, 0.5]}, "sum of the priors"),
        ({"priors": [1.5, -1.0, 0.5]}, "non-negative"),
        ({"var_smoothing": -1.0}, "var_smoothing"),
    ]
    for parameters, words in refused:
        with pytest.raises(ValueError, match=words):
            GaussianNB(**parameters).fit(X, y)
    with pytest.raises(ValueError, match="classes must be passed"):
        GaussianNB().partial_fit(X, y)
    with pytest.raises(ValueError, match="do not exist in the initial classes"):
        GaussianNB().partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="not the same as on last call"):
        GaussianNB().fit(X, y).partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="Unknown label type"):
        GaussianNB().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="7 features"):
        GaussianNB().fit(X, y).predict(X[:, :3])


def test_pickle_and_file(tmp_path):
    X, y, _ = problem()
    model = GaussianNB().fit(X, y)
    smelt.save(model, tmp_path / "model.smelt")
    for copy in (pickle.loads(pickle.dumps(model)), smelt.load(tmp_path / "model.smelt")):
        assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
