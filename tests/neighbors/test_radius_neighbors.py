"""Radius neighbours, classes and means: twin, scikit-learn, outliers, threads, bad input."""

import pickle

import numpy as np
import pytest
import sklearn.neighbors as reference
from numpy.testing import assert_allclose, assert_array_equal

import smelt
from smelt.neighbors import RadiusNeighborsClassifier, RadiusNeighborsRegressor


def kernel_weights(distances):
    out = np.empty(len(distances), dtype=object)
    out[:] = [np.exp(-d) for d in distances]
    return out


WEIGHTS = ["uniform", "distance", kernel_weights]


def problem(n=600, outputs=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, 2))
    shape = (n,) if outputs is None else (n, outputs)
    return X, rng.integers(0, 4, shape), rng.standard_normal(shape), rng.uniform(-1, 1, (80, 2))


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("outputs", [None, 3])
@pytest.mark.parametrize("algorithm", ["auto", "ball_tree", "brute"])
def test_equals_scikit_learn(weights, outputs, algorithm):
    X, labels, y, queries = problem(outputs=outputs)
    parameters = {"radius": 0.4, "weights": weights, "algorithm": algorithm}
    ours = RadiusNeighborsClassifier(**parameters).fit(X, labels)
    theirs = reference.RadiusNeighborsClassifier(**parameters).fit(X, labels)
    for Q in (queries, X[:30]):
        assert_array_equal(ours.predict(Q), theirs.predict(Q))
        assert_allclose(ours.predict_proba(Q), theirs.predict_proba(Q), rtol=1e-9, atol=1e-12)
    ours = RadiusNeighborsRegressor(**parameters).fit(X, y)
    theirs = reference.RadiusNeighborsRegressor(**parameters).fit(X, y)
    for Q in (queries, X[:30]):
        assert_allclose(ours.predict(Q), theirs.predict(Q), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("weights", WEIGHTS[:2])
def test_equals_the_twin(weights):
    X, labels, y, queries = problem(300, outputs=2)
    found = []
    for engine in ("rust", "plain"):
        with smelt.config(engine=engine):
            classifier = RadiusNeighborsClassifier(0.4, weights=weights).fit(X, labels)
            regressor = RadiusNeighborsRegressor(0.4, weights=weights).fit(X, y)
            found.append((classifier.predict_proba(queries), regressor.predict(queries)))
    assert_allclose(found[0][0], found[1][0], rtol=1e-13)
    assert_allclose(found[0][1], found[1][1], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("label", ["most_frequent", 2, 9])
@pytest.mark.filterwarnings("ignore:Outlier label 9")
def test_queries_without_neighbours(label):
    X, labels, y, queries = problem()
    queries = np.concatenate([queries, [[50.0, 50.0]]])
    parameters = {"radius": 0.3, "outlier_label": label, "algorithm": "kd_tree"}
    ours = RadiusNeighborsClassifier(**parameters).fit(X, labels)
    theirs = reference.RadiusNeighborsClassifier(**parameters).fit(X, labels)
    assert ours.outlier_label_ == theirs.outlier_label_
    assert_array_equal(ours.predict(queries), theirs.predict(queries))
    assert_allclose(ours.predict_proba(queries), theirs.predict_proba(queries))
    with pytest.raises(ValueError, match=r"No neighbors found for test samples array\(\[80\]\)"):
        RadiusNeighborsClassifier(0.3).fit(X, labels).predict(queries)
    with pytest.warns(UserWarning, match="predicting NaN"):
        found = RadiusNeighborsRegressor(0.3).fit(X, y).predict(queries)
    assert_array_equal(np.isnan(found), np.arange(81) == 80)


def test_threads_do_not_change_bits():
    X, labels, y, _ = problem(8000)
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            shares = RadiusNeighborsClassifier(0.1, weights="distance").fit(X, labels)
            means = RadiusNeighborsRegressor(0.1, weights="distance").fit(X, y)
            found.append((shares.predict_proba(X), means.predict(X)))
    for other in found[1:]:
        assert_array_equal(found[0][0], other[0])
        assert_array_equal(found[0][1], other[1])


def test_bad_input():
    X, labels, _, queries = problem(50)
    with pytest.raises(ValueError, match="radius"):
        RadiusNeighborsClassifier(-1.0).fit(X, labels)
    with pytest.raises(TypeError, match="inconsistent with classes"):
        RadiusNeighborsClassifier(outlier_label="none").fit(X, labels)
    with pytest.raises(ValueError, match="contains NaN"):
        RadiusNeighborsClassifier().fit(X, labels).predict(np.full((1, 2), np.nan))
    with pytest.raises(ValueError, match="features"):
        RadiusNeighborsClassifier().fit(X, labels).predict(queries[:, :1])


def test_pickle_and_file(tmp_path):
    X, labels, y, queries = problem()
    for model in (
        RadiusNeighborsClassifier(0.5).fit(X, labels),
        RadiusNeighborsRegressor(0.5).fit(X, y),
    ):
        expected = model.predict(queries)
        assert_array_equal(pickle.loads(pickle.dumps(model)).predict(queries), expected)
        smelt.save(model, tmp_path / "model.smelt")
        assert_array_equal(smelt.load(tmp_path / "model.smelt").predict(queries), expected)
