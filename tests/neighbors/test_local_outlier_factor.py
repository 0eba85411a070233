"""LocalOutlierFactor: the twin, scikit-learn, metrics, sparse, threads, files, bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.neighbors as reference
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import smelt
from smelt.neighbors import LocalOutlierFactor


def rows(n=500, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = np.vstack([rng.standard_normal((n, d)), 0.05 * rng.standard_normal((n, d)) + 4])
    X[::50] += 3 * rng.standard_normal((len(X[::50]), d))
    return X, rng.standard_normal((70, d)) * 2


def fitted(cls, X, **parameters):
    return cls(**parameters).fit(X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"n_neighbors": 1},
        {"n_neighbors": 7, "contamination": 0.1},
        {"algorithm": "ball_tree", "metric": "manhattan"},
        {"algorithm": "kd_tree", "p": 3, "leaf_size": 5},
        {"metric": "chebyshev"},
        {"metric": "cosine"},
        {"metric": lambda x, y: np.abs(x - y).sum(), "n_neighbors": 5},
        {"algorithm": "brute"},
    ],
)
def test_equals_scikit_learn(parameters, dtype):
    X, queries = (values.astype(dtype) for values in rows(100 if "metric" in parameters else 500))
    tolerance = {"rtol": 1e-4} if dtype == np.float32 else {"rtol": 1e-9}
    for novelty in (False, True):
        options = {**parameters, "novelty": novelty}
        ours, theirs = (
            fitted(cls, X, **options) for cls in (LocalOutlierFactor, reference.LocalOutlierFactor)
        )
        assert ours.negative_outlier_factor_.dtype == theirs.negative_outlier_factor_.dtype
        if dtype == np.float32 and parameters.get("metric") == "cosine":
            # Cosines of float32 have no digits left where angles are small: smelt's are float64.
            theirs = fitted(reference.LocalOutlierFactor, X.astype(np.float64), **options)
        assert_allclose(ours.negative_outlier_factor_, theirs.negative_outlier_factor_, **tolerance)
        assert_allclose(ours.offset_, theirs.offset_, **tolerance)
        assert ours.n_neighbors_ == theirs.n_neighbors_
        assert ours.effective_metric_ == theirs.effective_metric_
        if not novelty:
            assert_array_equal(ours.fit_predict(X), theirs.fit_predict(X))
            continue
        for name in ("score_samples", "decision_function"):
            found, expected = getattr(ours, name)(queries), getattr(theirs, name)(queries)
            assert_allclose(found, expected, atol=1e-4 if dtype == np.float32 else 0, **tolerance)
            assert found.dtype == dtype
        assert_array_equal(ours.predict(queries), theirs.predict(queries))


def test_equals_the_twin():
    X, queries = rows()
    made = []
    for engine in ("rust", "plain"):
        with smelt.config(engine=engine):
            model = fitted(LocalOutlierFactor, X[::3], novelty=True)
            made.append((model.negative_outlier_factor_, model.score_samples(queries)))
    for ours, twins in zip(*made, strict=True):
        assert_allclose(ours, twins, rtol=1e-12)


def test_sparse_and_precomputed():
    X, queries = rows(150)
    dense = fitted(LocalOutlierFactor, X, algorithm="brute", novelty=True)
    sparse = fitted(LocalOutlierFactor, sp.csr_matrix(X), novelty=True)
    assert_allclose(sparse.negative_outlier_factor_, dense.negative_outlier_factor_, rtol=1e-6)
    found = sparse.score_samples(sp.csr_matrix(queries))
    assert_allclose(found, dense.score_samples(queries), rtol=1e-6)
    distances = np.sqrt(((X[:, None] - X) ** 2).sum(axis=2))
    given = fitted(LocalOutlierFactor, distances, metric="precomputed")
    assert_allclose(given.negative_outlier_factor_, dense.negative_outlier_factor_, rtol=1e-6)


def test_neither_shift_nor_scale_nor_order_matters():
    X, _ = rows()
    factors = fitted(LocalOutlierFactor, X).negative_outlier_factor_
    moved = fitted(LocalOutlierFactor, 16 * X + 3).negative_outlier_factor_
    assert_allclose(moved, factors, rtol=1e-8)
    order = np.random.default_rng(0).permutation(len(X))
    assert_allclose(
        fitted(LocalOutlierFactor, X[order]).negative_outlier_factor_, factors[order], rtol=1e-12
    )


def test_same_bits_on_any_number_of_threads():
    X, queries = rows(3000)
    made = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            model = fitted(LocalOutlierFactor, X, novelty=True)
            made.append((model.negative_outlier_factor_, model.score_samples(queries)))
    for other in made[1:]:
        assert_array_equal(made[0][0], other[0])
        assert_array_equal(made[0][1], other[1])


def test_pickle_clone_and_file(tmp_path):
    X, queries = rows()
    model = fitted(LocalOutlierFactor, X, novelty=True, contamination=0.2)
    expected = model.decision_function(queries)
    assert_array_equal(pickle.loads(pickle.dumps(model)).decision_function(queries), expected)
    assert_array_equal(clone(model).fit(X).decision_function(queries), expected)
    smelt.save(model, tmp_path / "model.smelt")
    loaded = smelt.load(tmp_path / "model.smelt")
    assert_array_equal(loaded.decision_function(queries), expected)
    assert_array_equal(loaded.negative_outlier_factor_, model.negative_outlier_factor_)


def test_words_of_scikit_learn():
    X, queries = rows(50)
    with pytest.warns(UserWarning, match="greater than the total number of samples"):
        assert fitted(LocalOutlierFactor, X, n_neighbors=101).n_neighbors_ == 99
    with pytest.warns(UserWarning, match="Duplicate values are leading"):
        fitted(LocalOutlierFactor, np.repeat(X, 30, axis=0) + (np.arange(3000) == 7)[:, None])
    model = fitted(LocalOutlierFactor, X)
    for name in ("predict", "decision_function", "score_samples"):
        assert not hasattr(model, name)
        with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
            getattr(model, name)
    model = fitted(LocalOutlierFactor, X, novelty=True)
    assert not hasattr(model, "fit_predict")
    refused = [
        (lambda: model.score_samples(queries[:, :2]), "features"),
        (lambda: model.predict(np.full((1, 3), np.nan)), "contains NaN"),
        (lambda: fitted(LocalOutlierFactor, X, n_neighbors=0), "n_neighbors"),
        (lambda: fitted(LocalOutlierFactor, X, contamination=0.6), "contamination"),
        (lambda: fitted(LocalOutlierFactor, X, algorithm="kd_tree", metric="cosine"), "not valid"),
        (lambda: fitted(LocalOutlierFactor, np.full((4, 2), np.nan)), "contains NaN"),
    ]
    for call, words in refused:
        with pytest.raises(ValueError, match=words):
            call()
    with pytest.raises(ValueError, match="do not fit the rows"):
        smelt._smelt.neighbors.local_outlier_factor_fit(
            np.ones((2, 1)), np.array([[0], [5]]), np.ones(3)
        )
