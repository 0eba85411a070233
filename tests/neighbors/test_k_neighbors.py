"""KNeighborsClassifier and KNeighborsRegressor: twin, scikit-learn, weights, outputs, bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.neighbors as reference
from numpy.testing import assert_allclose, assert_array_equal

import smelt
from smelt.neighbors import KNeighborsClassifier, KNeighborsRegressor

WEIGHTS = ["uniform", "distance", lambda distances: np.exp(-distances), None]


def problem(n=600, d=3, outputs=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    shape = (n,) if outputs is None else (n, outputs)
    return X, rng.integers(0, 4, shape), rng.standard_normal(shape), rng.standard_normal((80, d))


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("outputs", [None, 1, 3])
@pytest.mark.parametrize("algorithm", ["auto", "ball_tree", "brute"])
@pytest.mark.filterwarnings("ignore:A column-vector y")
def test_equals_scikit_learn(weights, outputs, algorithm):
    X, labels, y, queries = problem(outputs=outputs)
    parameters = {"n_neighbors": 7, "weights": weights, "algorithm": algorithm}
    # By looking at all rows scikit-learn finds a row 1e-8 away from itself; its trees do not.
    exact = parameters | {"algorithm": "ball_tree"}
    ours = KNeighborsClassifier(**parameters).fit(X, labels)
    theirs = reference.KNeighborsClassifier(**exact).fit(X, labels)
    # X[:40]: queries at distance 0 from a row, which alone counts where weights are distances.
    for Q in (queries, X[:40], None):
        assert_array_equal(ours.predict(Q), theirs.predict(Q))
        assert_allclose(ours.predict_proba(Q), theirs.predict_proba(Q), rtol=1e-10, atol=1e-15)
    if outputs is None:
        assert ours.score(queries, labels[:80]) == theirs.score(queries, labels[:80])
    ours = KNeighborsRegressor(**parameters).fit(X, y)
    theirs = reference.KNeighborsRegressor(**exact).fit(X, y)
    for Q in (queries, X[:40], None):
        assert_allclose(ours.predict(Q), theirs.predict(Q), rtol=1e-9, atol=1e-12)
        assert ours.predict(Q).shape == theirs.predict(Q).shape


@pytest.mark.parametrize("weights", WEIGHTS[:2])
def test_equals_the_twin(weights):
    X, labels, y, queries = problem(300, outputs=2)
    found = []
    for engine in ("rust", "plain"):
        with smelt.config(engine=engine):
            classifier = KNeighborsClassifier(weights=weights).fit(X, labels)
            regressor = KNeighborsRegressor(weights=weights).fit(X, y)
            found.append((classifier.predict_proba(queries), regressor.predict(queries)))
    assert_array_equal(found[0][0], found[1][0])
    assert_allclose(found[0][1], found[1][1], rtol=1e-13, atol=1e-15)


def test_labels_of_any_kind_and_ties():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    model = KNeighborsClassifier(n_neighbors=2).fit(X, ["b", "a", "b", "a"])
    # One vote each: the first class wins.
    assert model.predict([[0.5], [2.5]]).tolist() == ["a", "a"]
    assert_array_equal(model.predict_proba([[0.5]]), [[0.5, 0.5]])
    assert KNeighborsClassifier(1).fit(X, [3, 3, 9, 9]).predict([[10.0]]).tolist() == [9]


def test_types_of_predictions():
    X, _, y, queries = problem()
    single = KNeighborsRegressor().fit(X, y.astype(np.float32))
    assert single.predict(queries).dtype == np.float32
    whole = KNeighborsRegressor().fit(X, (10 * y).astype(int))
    theirs = reference.KNeighborsRegressor().fit(X, (10 * y).astype(int))
    assert_allclose(whole.predict(queries), theirs.predict(queries), rtol=1e-13)
    sparse = sp.csr_matrix(np.where(np.abs(X) > 0.2, X, 0))
    ours = KNeighborsRegressor().fit(sparse, y).predict(sparse[:30])
    assert_allclose(ours, reference.KNeighborsRegressor().fit(sparse, y).predict(sparse[:30]))


def test_threads_do_not_change_bits():
    X, labels, y, _ = problem(20_000)
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            shares = KNeighborsClassifier(weights="distance").fit(X, labels).predict_proba(X)
            means = KNeighborsRegressor(weights="distance").fit(X, y).predict(None)
            found.append((shares, means))
    for other in found[1:]:
        assert_array_equal(found[0][0], other[0])
        assert_array_equal(found[0][1], other[1])


def test_bad_input():
    X, labels, y, queries = problem(50)
    zero = KNeighborsClassifier(weights=np.zeros_like).fit(X, labels)
    with pytest.raises(ValueError, match="getting zero weights"):
        zero.predict(queries)
    with pytest.raises(ValueError, match="Expected n_neighbors <= n_samples_fit"):
        KNeighborsClassifier(51).fit(X, labels).predict(queries)
    with pytest.raises(ValueError, match="Unknown label type"):
        KNeighborsClassifier().fit(X, y)
    with pytest.raises(ValueError, match="weights"):
        KNeighborsRegressor(weights="near").fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        KNeighborsRegressor().fit(X, y[:9])


def test_pickle_and_file(tmp_path):
    X, labels, y, queries = problem()
    for model in (KNeighborsClassifier().fit(X, labels), KNeighborsRegressor().fit(X, y)):
        expected = model.predict(queries)
        assert_array_equal(pickle.loads(pickle.dumps(model)).predict(queries), expected)
        smelt.save(model, tmp_path / "model.smelt")
        assert_array_equal(smelt.load(tmp_path / "model.smelt").predict(queries), expected)
