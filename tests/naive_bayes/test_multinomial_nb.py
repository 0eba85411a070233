"""MultinomialNB and its kin: twin, scikit-learn, sparse, batches, weights, threads, bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.naive_bayes
from numpy.testing import assert_allclose, assert_array_equal

import smelt
from smelt import naive_bayes

KINDS = ["MultinomialNB", "ComplementNB", "BernoulliNB"]
OUTPUTS = ["predict_joint_log_proba", "predict_log_proba", "predict_proba"]
LEARNED = ["class_count_", "class_log_prior_", "feature_count_", "feature_log_prob_"]


def problem(n=300, d=23, k=3, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    X = rng.poisson(rng.uniform(0, 1.5, (k, d))[y]).astype(dtype)
    return X, y, rng.uniform(0, 2, n)


def both(kind, **parameters):
    return (
        getattr(naive_bayes, kind)(**parameters),
        getattr(sklearn.naive_bayes, kind)(**parameters),
    )


def agree(ours, theirs, X):
    for name in LEARNED:
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-10, atol=1e-12)
    assert_array_equal(ours.predict(X), theirs.predict(X))
    for name in OUTPUTS:
        mine, other = getattr(ours, name)(X), getattr(theirs, name)(X)
        assert mine.dtype == np.float64
        assert_allclose(mine, other, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(300, 23), (5, 1), (40, 200)])
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("weighted", [False, True])
def test_equals_twin_and_scikit_learn(kind, shape, k, weighted):
    X, y, weight = problem(*shape, k=k)
    weight = weight if weighted else None
    for rows in (X, np.asfortranarray(X), sp.csr_matrix(X), sp.csc_matrix(X)):
        ours, theirs = both(kind)
        agree(ours.fit(rows, y, weight), theirs.fit(rows, y, weight), rows)
        with smelt.config(engine="plain"):
            agree(ours, getattr(naive_bayes, kind)().fit(rows, y, weight), rows)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [3, 8, 17, 30, 70])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_classes(kind, k, dtype):
    X, y, _ = problem(700, 40, k, dtype=dtype)
    for rows in (X, sp.csr_matrix(X)):
        ours, theirs = both(kind)
        agree(ours.fit(rows, y), theirs.fit(rows, y), rows)
        one = ours.predict_proba(rows[:1])  # few rows take another way
        assert_array_equal(one, ours.predict_proba(rows)[:1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "parameters",
    [
        {"alpha": 0.3},
        {"fit_prior": False},
        {"class_prior": [0.2, 0.5, 0.3]},
        {"alpha": 1e-300, "force_alpha": False},
    ],
)
@pytest.mark.filterwarnings("ignore:alpha too small")
def test_parameters(kind, parameters):
    X, y, _ = problem()
    names = np.array(["b", "a", "cc"])[y]
    ours, theirs = both(kind, **parameters)
    agree(ours.fit(X, names), theirs.fit(X, names), X)


@pytest.mark.parametrize("kind", ["MultinomialNB", "ComplementNB"])
def test_an_alpha_for_each_feature(kind):
    X, y, _ = problem()
    ours, theirs = both(kind, alpha=np.linspace(0.1, 2, 23))
    agree(ours.fit(X, y), theirs.fit(X, y), X)
    with pytest.raises(ValueError, match="Got 2 elements instead of 23"):
        ours.set_params(alpha=[1.0, 2.0]).fit(X, y)
    with pytest.raises(ValueError, match="greater than 0"):
        ours.set_params(alpha=[-1.0] * 23).fit(X, y)


@pytest.mark.parametrize("kind", KINDS)
def test_alpha_too_small_warns(kind):
    X, y, _ = problem()
    model = getattr(naive_bayes, kind)(alpha=0.0, force_alpha=False)
    with pytest.warns(UserWarning, match="alpha too small will result in numeric errors"):
        model.fit(X, y)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_batches(kind, weighted):
    X, y, weight = problem()
    ours, theirs = both(kind)
    for part in (slice(0, 2), slice(2, 150), slice(150, 300)):
        options = {"sample_weight": weight[part] if weighted else None}
        for model in (ours, theirs):
            model.partial_fit(sp.csr_matrix(X[part]), y[part], classes=[0, 1, 2], **options)
        agree(ours, theirs, X)
    whole = getattr(naive_bayes, kind)().fit(X, y, weight if weighted else None)
    assert_allclose(ours.feature_count_, whole.feature_count_, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_threads_do_not_change_bits(kind, form):
    X, y, weight = problem(6000, 90, 4)
    X = X * np.random.default_rng(1).uniform(0.1, 1, X.shape)
    X = sp.csr_matrix(X) if form == "sparse" else X
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            model = getattr(naive_bayes, kind)().fit(X, y, weight)
            found.append((model.feature_count_, model.predict_proba(X)))
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("engine", ["rust", "plain"])
@pytest.mark.parametrize("make", [np.array, sp.csr_matrix])
def test_bad_input(kind, engine, make):
    X, y, _ = problem()
    model = getattr(naive_bayes, kind)().fit(X, y)
    with smelt.config(engine=engine):
        for bad, words in ((np.nan, "Input X contains NaN"), (np.inf, "Input X contains infinity")):
            X[7, 2] = bad
            for method in ("predict", *OUTPUTS):
                with pytest.raises(ValueError, match=words):
                    getattr(model, method)(make(X))
            with pytest.raises(ValueError, match=words):
                model.fit(make(X), y)
        X[7, 2] = -1
        if kind != "BernoulliNB":
            words = rf"Negative values in data passed to {kind} \(input X\)."
            with pytest.raises(ValueError, match=words):
                model.fit(make(X), y)
    assert model.class_count_.sum() == 300  # as it was
    X[7, 2] = 0
    with pytest.raises(ValueError, match="do not exist in the initial classes"):
        model.partial_fit(make(X), y + 1)
    with pytest.raises(ValueError, match="Number of priors"):
        model.set_params(class_prior=[0.5, 0.5]).fit(make(X), y)
    with pytest.raises(ValueError, match="alpha"):
        model.set_params(alpha=-1.0).fit(make(X), y)


@pytest.mark.parametrize("kind", KINDS)
def test_pickle_and_file(kind, tmp_path):
    X, y, _ = problem()
    model = getattr(naive_bayes, kind)().fit(X, y)
    smelt.save(model, tmp_path / "model.smelt")
    for copy in (pickle.loads(pickle.dumps(model)), smelt.load(tmp_path / "model.smelt")):
        assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
