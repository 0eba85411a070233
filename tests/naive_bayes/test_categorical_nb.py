"""CategoricalNB: twin, scikit-learn, batches, weights, threads, bad input."""

import pickle

import numpy as np
import pytest
import sklearn.naive_bayes
from numpy.testing import assert_allclose, assert_array_equal

import smelt
from smelt.naive_bayes import CategoricalNB

OUTPUTS = ["predict_joint_log_proba", "predict_log_proba", "predict_proba"]


def problem(n=300, k=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    X = np.column_stack(
        [rng.integers(0, size, n) + (y * j) % 2 for j, size in enumerate((2, 5, 9))]
    )
    return X, y, rng.uniform(0, 2, n)


def agree(ours, theirs, X):
    for name in ("category_count_", "feature_log_prob_"):
        for mine, other in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert_allclose(mine, other, rtol=1e-11, atol=1e-12)
    for name in ("class_count_", "class_log_prior_", "n_categories_"):
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-12)
    assert_array_equal(ours.predict(X), theirs.predict(X))
    for name in OUTPUTS:
        assert_allclose(getattr(ours, name)(X), getattr(theirs, name)(X), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 4, 40])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("make", [np.ascontiguousarray, np.asfortranarray, np.float32])
def test_equals_twin_and_scikit_learn(k, weighted, make):
    X, y, weight = problem(k=k)
    X, weight = make(X), weight if weighted else None
    for parameters in ({}, {"alpha": 0.2, "fit_prior": False}, {"min_categories": [7, 1, 12]}):
        ours = CategoricalNB(**parameters).fit(X, y, weight)
        theirs = sklearn.naive_bayes.CategoricalNB(**parameters).fit(X, y, weight)
        agree(ours, theirs, X)
        with smelt.config(engine="plain"):
            agree(ours, CategoricalNB(**parameters).fit(X, y, weight), X)


@pytest.mark.parametrize("engine", ["rust", "plain"])
def test_batches_with_new_categories(engine):
    X, y, weight = problem()
    X = X[np.argsort(X[:, 2], kind="stable")]  # later batches have further categories
    ours, theirs = CategoricalNB(), sklearn.naive_bayes.CategoricalNB()
    with smelt.config(engine=engine):
        for part in (slice(0, 100), slice(100, 250), slice(250, 300)):
            for model in (ours, theirs):
                model.partial_fit(X[part], y[part], [0, 1, 2], weight[part])
        theirs.n_categories_ = np.maximum(theirs.n_categories_, X.max(axis=0) + 1)
        agree(ours, theirs, X)


def test_threads_do_not_change_bits():
    X, y, weight = problem(100_000)
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            model = CategoricalNB().fit(X, y, weight)
            found.append((*model.category_count_, model.predict_proba(X)))
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_bad_input():
    X, y, _ = problem()
    model = CategoricalNB().fit(X, y)
    with pytest.raises(IndexError, match="index 99 is out of bounds for axis 1 with size 6"):
        model.predict([[0, 99, 0]])
    with pytest.raises(ValueError, match="Negative values in data passed to CategoricalNB"):
        model.predict([[0, -1, 0]])
    with pytest.raises(ValueError, match="Negative values in data passed to CategoricalNB"):
        CategoricalNB().fit(X - 1, y)
    with pytest.raises(ValueError, match="integral type"):
        CategoricalNB(min_categories=[1.5, 2.0, 3.0]).fit(X, y)
    with pytest.raises(ValueError, match=r"should have shape \(3,\)"):
        CategoricalNB(min_categories=[2, 3]).fit(X, y)
    with pytest.raises(ValueError, match="would take 480"):
        CategoricalNB().fit(np.where(X == 2, 10**10, X), y)
    with pytest.raises(ValueError, match="NaN"):
        CategoricalNB().fit(np.where(X == 2, np.nan, X), y)


def test_pickle_and_file(tmp_path):
    X, y, _ = problem()
    model = CategoricalNB().fit(X, y)
    smelt.save(model, tmp_path / "model.smelt")
    for copy in (pickle.loads(pickle.dumps(model)), smelt.load(tmp_path / "model.smelt")):
        assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
