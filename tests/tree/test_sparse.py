"""Sparse tables: the trees of the dense ones, bit for bit, and never a dense matrix in between."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

import smelt
from smelt.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
)
from smelt.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

MODELS = [
    DecisionTreeClassifier(random_state=0),
    DecisionTreeClassifier(random_state=0, max_bins=16, max_features=0.5),
    DecisionTreeRegressor(random_state=0, min_samples_leaf=3),
    DecisionTreeRegressor(random_state=0, criterion="absolute_error", max_depth=4),
    ExtraTreeClassifier(random_state=0, max_leaf_nodes=20),
    ExtraTreeRegressor(random_state=0),
    RandomForestClassifier(5, random_state=0, criterion="entropy"),
    RandomForestClassifier(5, random_state=0, max_bins=None, class_weight="balanced"),
    RandomForestRegressor(5, random_state=0),
    ExtraTreesClassifier(5, random_state=0, bootstrap=True),
    ExtraTreesRegressor(5, random_state=0, max_depth=6),
]


def table(n=600, n_columns=9, seed=0):
    """Columns of few and many values, mostly zeros, negative and not; one is full, one empty."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_columns)).astype(np.float32)
    X[:, ::3] = np.round(X[:, ::3])
    X[rng.random(X.shape) < 0.7] = 0.0
    X[:, 1], X[:, 2] = rng.normal(size=n), 0.0
    y = X[:, 0] + X[:, 1] - X[:, 3] * X[:, 4] + 0.3 * rng.normal(size=n)
    return X, y


def target(model, y):
    return np.digitize(y, [-0.5, 0.5]) if hasattr(model, "predict_proba") else y


def same_nodes(one, other):
    assert one.nodes_.keys() == other.nodes_.keys()
    for name, values in one.nodes_.items():
        np.testing.assert_array_equal(values, other.nodes_[name], err_msg=name)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{type(model).__name__}")
def test_sparse_rows_are_the_dense_ones(model):
    X, y = table()
    y, weight = target(model, y), np.arange(len(y)) % 3 + 1.0
    dense = model.fit(X, y, weight)
    dense_nodes = {name: np.copy(values) for name, values in dense.nodes_.items()}
    answers = [dense.predict(X), dense.apply(X)]
    if hasattr(model, "predict_proba"):
        answers.append(dense.predict_proba(X))
    for kind in (sp.csr_matrix, sp.csc_array):
        sparse = model.fit(kind(X), y, weight)
        for name, values in dense_nodes.items():
            np.testing.assert_array_equal(values, sparse.nodes_[name], err_msg=name)
        found = [sparse.predict(kind(X)), sparse.apply(kind(X))]
        if hasattr(model, "predict_proba"):
            found.append(sparse.predict_proba(kind(X)))
        for one, other in zip(answers, found, strict=True):
            np.testing.assert_array_equal(one, other)
    assert (sparse.predict(kind(X[:3])) == answers[0][:3]).all()


@pytest.mark.parametrize("model", [MODELS[0], MODELS[2], MODELS[5], MODELS[7]], ids=str)
def test_the_twin_takes_sparse_rows(model):
    X, y = table(150)
    y = target(model, y > 0)
    dense = model.fit(X, y).predict(X)
    with smelt.config(engine="plain"):
        twin = model.fit(sp.csr_matrix(X), y).predict(sp.csc_matrix(X))
    np.testing.assert_allclose(twin, dense, rtol=1e-12)


MEMBERS = [
    BaggingClassifier(n_estimators=4, random_state=0, oob_score=True),
    BaggingClassifier(DecisionTreeClassifier(max_bins=16), max_samples=0.5, random_state=0),
    BaggingClassifier(max_features=0.5, random_state=0, oob_score=True),
    BaggingClassifier(ExtraTreeClassifier(), bootstrap_features=True, random_state=0),
    BaggingRegressor(ExtraTreeRegressor(max_depth=5), random_state=0),
    BaggingRegressor(n_estimators=4, max_features=4, bootstrap=False, random_state=0),
    AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), random_state=0),
    AdaBoostClassifier(ExtraTreeClassifier(max_depth=3), n_estimators=9, random_state=0),
    AdaBoostRegressor(n_estimators=9, random_state=0),
    AdaBoostRegressor(DecisionTreeRegressor(max_bins=32), loss="square", random_state=0),
]


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB")
@pytest.mark.parametrize("model", MEMBERS, ids=lambda model: f"{type(model).__name__}")
@pytest.mark.parametrize("engine", ["rust", "plain"])
def test_members_of_ensembles_take_sparse_rows(model, engine):
    X, y = table(600 if engine == "rust" else 80)
    y, weight = target(model, y), np.arange(len(y)) % 3 + 1.0
    if "bootstrap" in model.get_params() and not model.bootstrap:
        weight = None
    with smelt.config(engine=engine):
        dense = clone(model).fit(X, y, weight)
        for kind in (sp.csr_matrix, sp.csc_array):
            sparse = clone(model).fit(kind(X), y, weight)
            same_nodes(dense, sparse)
            np.testing.assert_array_equal(dense.predict(X), sparse.predict(kind(X)))
            for name in ("oob_score_", "estimator_errors_", "estimator_weights_"):
                if name in vars(dense):
                    np.testing.assert_array_equal(vars(dense)[name], vars(sparse)[name])
            for name in ("predict_proba", "decision_function"):
                if hasattr(model, name):
                    one, other = getattr(dense, name)(X), getattr(sparse, name)(kind(X))
                    np.testing.assert_array_equal(one, other)
            one, other = dense.estimators_[1], sparse.estimators_[1]
            np.testing.assert_array_equal(one.nodes_["threshold"], other.nodes_["threshold"])


@pytest.mark.parametrize("model", [MEMBERS[0], MEMBERS[6], MEMBERS[8]], ids=str)
def test_members_refuse_what_is_missing_in_sparse_rows(model):
    X, y = table()
    y = target(model, y)
    S = sp.csr_matrix(X)
    for value, message in ((np.inf, "infinity"), (np.nan, "NaN")):
        bad = S.copy()
        bad.data[3] = value
        with pytest.raises(ValueError, match=message):
            clone(model).fit(bad, y)
        with pytest.raises(ValueError, match=message):
            clone(model).fit(S, y).predict(bad)


def test_out_of_bag_quantiles_paths_and_codes():
    X, y = table()
    S = sp.csr_matrix(X)
    dense, sparse = (
        RandomForestRegressor(20, random_state=0, oob_score=True, keep_leaf_values=True).fit(x, y)
        for x in (X, S)
    )
    np.testing.assert_array_equal(dense.oob_prediction_, sparse.oob_prediction_)
    for out_of_bag in (False, True):
        one = dense.predict_quantiles(X, (0.1, 0.5), out_of_bag=out_of_bag)
        other = sparse.predict_quantiles(S, (0.1, 0.5), out_of_bag=out_of_bag)
        np.testing.assert_array_equal(one, other)
    for one, other in zip(dense.decision_path(X), sparse.decision_path(S), strict=True):
        assert np.abs(one - other).max() == 0
    dense, sparse = (RandomTreesEmbedding(9, random_state=0).fit(x) for x in (X, S))
    assert (dense.transform(X) != sparse.transform(S)).nnz == 0
    for level in (0, 2):
        settings = {"n_estimators": 9, "random_state": 0, "extension_level": level}
        dense, sparse = (IsolationForest(**settings).fit(x) for x in (X, S))
        same_nodes(dense, sparse)
        np.testing.assert_array_equal(dense.score_samples(X), sparse.score_samples(S))


def test_entries_in_any_order_and_written_zeros_count_as_values():
    X, y = table(300)
    S = sp.csc_matrix(X)
    S.data[::7] = 0.0  # written down, but zero
    messy = S.copy()
    for j in range(S.shape[1]):
        part = slice(S.indptr[j], S.indptr[j + 1])
        messy.indices[part], messy.data[part] = S.indices[part][::-1], S.data[part][::-1]
    messy.has_sorted_indices = messy.has_canonical_format = False
    kept = messy.indices.copy()
    model = RandomForestRegressor(5, random_state=0)
    dense = model.fit(S.toarray(), y).predict(S.toarray())
    np.testing.assert_array_equal(dense, model.fit(messy, y).predict(messy))
    np.testing.assert_array_equal(messy.indices, kept)
    for value, message in ((np.inf, "infinity"), (np.nan, "NaN")):  # as scikit-learn
        bad = S.copy()
        bad.data[3] = value
        with pytest.raises(ValueError, match=message):
            model.fit(bad, y)


def test_blocks_of_rows_do_not_show():
    """More values than one block holds."""
    rng = np.random.default_rng(0)
    S = sp.random_array((2_000, 5_000), density=0.004, rng=rng, dtype=np.float32).tocsr()
    y = np.asarray(S[:, :50].sum(axis=1)).ravel()
    model = ExtraTreesRegressor(4, random_state=0, bootstrap=True, oob_score=True).fit(S, y)
    X = S.toarray()
    dense = ExtraTreesRegressor(4, random_state=0, bootstrap=True, oob_score=True).fit(X, y)
    np.testing.assert_array_equal(model.oob_prediction_, dense.oob_prediction_)
    np.testing.assert_array_equal(model.predict(S), dense.predict(X))
    np.testing.assert_array_equal(model.apply(S), dense.apply(X))


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_same_bits_for_any_number_of_threads(n_threads):
    X, y = table()
    one = RandomForestClassifier(6, random_state=0).fit(X, y > 0)
    with smelt.config(n_threads=n_threads):
        other = RandomForestClassifier(6, random_state=0).fit(sp.csr_matrix(X), y > 0)
    same_nodes(one, other)


def test_python_makes_nothing_dense():
    """What NumPy allocates stays far below the dense table."""
    S = sp.random_array((4_000, 2_000), density=0.005, rng=np.random.default_rng(0)).tocsr()
    y = np.asarray(S.sum(axis=1)).ravel()
    tree = DecisionTreeRegressor(max_depth=2, max_features="sqrt")
    tracemalloc.start()
    for model in (
        RandomForestRegressor(2, max_depth=2, max_features="sqrt"),
        BaggingRegressor(tree, n_estimators=2),
        AdaBoostRegressor(tree, n_estimators=2),
    ):
        model.fit(S, y).predict(S)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < S.shape[0] * S.shape[1] * 4 / 8
