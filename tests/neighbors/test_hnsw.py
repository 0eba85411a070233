"""algorithm="hnsw": the twin, recall, distances, equal rows, threads, files, bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import pairwise_distances

import smelt
from smelt.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestNeighbors,
    kneighbors_graph,
)
from smelt.plain import neighbors as twins


def rows(n=1500, d=12, latent=6, seed=0):
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((latent, d))
    return rng.standard_normal((n, latent)) @ mixing, rng.standard_normal((80, latent)) @ mixing


def whole_numbers(n=400, d=3, high=60, seed=0):
    """Rows whose distances float32 holds exactly, with ties."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, high, (n, d)).astype(float), rng.integers(0, high, (30, d)).astype(float)


def recall(found, expected):
    return np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found, expected, strict=True)])


def graph(**parameters):
    return NearestNeighbors(**{"algorithm": "hnsw", "n_neighbors": 10, **parameters})


@pytest.mark.parametrize("shape, M, ef", [((400, 3), 4, 12), ((700, 9), 2, 30), ((40, 1), 16, 5)])
@pytest.mark.parametrize("high", [60, 4])
def test_equals_the_twin(shape, M, ef, high):
    X, queries = whole_numbers(*shape, high=high)
    made = []
    for engine in ("rust", "plain"):
        with smelt.config(engine=engine):
            model = graph(n_neighbors=3, M=M, ef_construction=ef, ef=9).fit(X)
            made.append((model._index, model.kneighbors(queries), model.kneighbors()))
    (index, found, own), (twin, expected, twin_own) = made
    assert index.keys() == twin.keys()
    for name, values in twin.items():
        assert_array_equal(index[name], values, err_msg=name)
    for ours, theirs in zip(found + own, expected + twin_own, strict=True):
        assert_array_equal(ours, theirs)


def test_a_graph_of_one_engine_is_asked_by_the_other():
    X, queries = rows(600)
    model = graph(ef=40).fit(X)
    found = model.kneighbors(queries)
    with smelt.config(engine="plain"):
        assert recall(model.kneighbors(queries)[1], found[1]) > 0.99
        model = graph(ef=40, ef_construction=60).fit(X)
    assert recall(model.kneighbors(queries)[1], found[1]) > 0.99


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("metric", ["euclidean", "minkowski", "l2", "sqeuclidean", "cosine"])
def test_finds_what_a_look_at_all_rows_finds(metric, dtype):
    X, queries = (values.astype(dtype) for values in rows(4000))
    all_ = pairwise_distances(queries, X, "euclidean" if metric == "minkowski" else metric)
    distances, ids = graph(metric=metric, ef=150).fit(X).kneighbors(queries)
    assert recall(ids, np.argsort(all_, axis=1)[:, :10]) > 0.99
    assert distances.dtype == np.float64 and (np.diff(distances) >= 0).all()
    exact = np.take_along_axis(all_, ids, axis=1)
    assert_allclose(distances, exact, rtol=2e-3 if dtype == np.float32 else 1e-9, atol=1e-6)


def test_distances_are_those_of_trees_to_the_last_bit():
    X, queries = rows(800, 4)
    tree = NearestNeighbors(n_neighbors=10, algorithm="kd_tree").fit(X)
    for Q in (queries, None):
        found, expected = graph(ef=300).fit(X).kneighbors(Q), tree.kneighbors(Q)
        for ours, theirs in zip(found, expected, strict=True):
            assert_array_equal(ours, theirs)


@pytest.mark.parametrize("offset, size", [(1e8, 1.0), (0.0, 1e-200), (0.0, 1e200), (-3e5, 1e-3)])
def test_neither_offset_nor_size_costs_neighbours(offset, size):
    X, queries = rows(2000)
    expected = graph().fit(X).kneighbors(queries)[1]
    found = graph().fit(X * size + offset).kneighbors(queries * size + offset)[1]
    assert recall(found, expected) > 0.97


def test_rows_that_are_equal_do_not_part_the_graph():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.standard_normal((60, 5)), 50, axis=0)
    X[::2] = rng.standard_normal((1500, 5))
    X = rng.permutation(X)
    model, tree = graph(n_neighbors=40).fit(X), NearestNeighbors(n_neighbors=40).fit(X)
    for Q in (X[:200], None):
        assert_array_equal(model.kneighbors(Q)[0], tree.kneighbors(Q)[0])
        assert_array_equal(model.kneighbors(Q)[1], tree.kneighbors(Q)[1])
    assert len(model._index["starts"]) - 1 == len(np.unique(X, axis=0))


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_all_rows_equal_one_row_and_zeros(metric):
    X = np.zeros((300, 4))
    distances, ids = graph(metric=metric).fit(X).kneighbors(X[:2])
    assert_array_equal(ids, [range(10), range(10)])
    assert (distances == (metric == "cosine")).all()
    own = graph(metric=metric).fit(X).kneighbors()[1]
    assert_array_equal(own[:2], [range(1, 11), [0, *range(2, 11)]])
    model = graph(metric=metric, n_neighbors=1).fit([[1.0, 2.0]])
    assert_array_equal(model.kneighbors([[1.0, 2.0]])[1], [[0]])
    X = np.vstack([np.zeros((3, 4)), np.eye(4)])
    assert (graph(metric=metric, n_neighbors=7).fit(X).kneighbors(X)[1].sum(axis=1) == 21).all()


def test_every_k_is_answered_even_where_links_do_not_lead_everywhere():
    X, queries = rows(300)
    everything = graph(n_neighbors=300, M=2, ef_construction=1, ef=1).fit(X).kneighbors(queries)
    assert_array_equal(np.sort(everything[1]), np.tile(np.arange(300), (80, 1)))
    assert (np.diff(everything[0]) >= 0).all()
    model = graph(n_neighbors=2).fit(X)
    model._index["links"] = np.full_like(model._index["links"], 2**32 - 1)
    expected = NearestNeighbors(n_neighbors=2, algorithm="kd_tree").fit(X).kneighbors(queries)
    assert_array_equal(model.kneighbors(queries)[1], expected[1])


def test_same_bits_on_any_number_of_threads():
    X, queries = rows(5000)
    made = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            model = graph(ef_construction=40).fit(X)
            made.append([*model._index.values(), *model.kneighbors(queries), *model.kneighbors()])
    for other in made[1:]:
        for one, two in zip(made[0], other, strict=True):
            assert_array_equal(one, two)


def test_seeds_draw_graphs():
    X, _ = rows(500)
    links = [graph(random_state=seed).fit(X)._index["links"] for seed in (0, 0, 1)]
    assert_array_equal(links[0], links[1])
    assert not np.array_equal(links[0], links[2])
    state = np.random.RandomState(0)
    assert_array_equal(graph(random_state=state).fit(X)._index["links"], links[0])


def test_wider_views_and_more_links_find_more():
    X, queries = rows(6000, 30, 25)
    expected = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(X).kneighbors(queries)[1]
    model = graph(M=6, ef_construction=30).fit(X)
    found = [
        recall(model.set_params(ef=ef).kneighbors(queries)[1], expected) for ef in (5, 40, 400)
    ]
    assert found[0] < found[1] < found[2]
    richer = graph(M=24, ef_construction=150, ef=40).fit(X)
    assert recall(richer.kneighbors(queries)[1], expected) > found[1]


def test_links_are_what_they_should_be():
    X, _ = rows(2000)
    index = graph(M=5, ef_construction=50).fit(X)._index
    n, M = 2000, 5
    links = index["links"].reshape(n, 2 * M).astype(np.int64)
    used = links != 2**32 - 1
    assert (np.diff(used.astype(int), axis=1) <= 0).all()  # a list has no holes
    assert (used.sum(axis=1) >= 1).all() and links[used].max() < n
    own = np.broadcast_to(np.arange(n)[:, None], links.shape)
    assert not (links[used] == own[used]).any()
    assert all(len(set(row[:k])) == k for row, k in zip(links, used.sum(axis=1), strict=True))
    levels = np.diff(index["upper_starts"])
    assert index["entry"][1] == levels.max() == levels[index["entry"][0]]
    assert len(index["upper"]) == levels.sum() * M
    assert_array_equal(np.sort(index["ids"]), np.arange(n))


def test_links_that_lead_nowhere_are_stepped_over():
    X, queries = rows(300)
    model = graph().fit(X)
    index = dict(model._index)
    for name in ("links", "upper", "ids", "starts", "upper_starts"):
        model._index = index | {name: np.full_like(index[name], 300)}
        ids = model.kneighbors(queries)[1]
        assert ids.min() >= 0 and ids.max() < 300
    for name, bad in (
        ("links", index["links"][1:]),
        ("points", index["points"][:8]),
        ("entry", (300, 0)),
        ("centre", index["centre"][1:]),
        ("shape", (299, 12)),
    ):
        model._index = index | {name: bad}
        with pytest.raises(ValueError, match="do not fit"):
            model.kneighbors(queries)


def test_classes_means_and_graphs():
    X, queries = rows(1500)
    y = X[:, 0]
    labels = np.where(y > 0, "up", "down")
    for weights in ("uniform", "distance"):
        options = {"n_neighbors": 7, "weights": weights}
        ours = KNeighborsRegressor(algorithm="hnsw", ef=200, **options).fit(X, y)
        assert_allclose(
            ours.predict(queries), KNeighborsRegressor(**options).fit(X, y).predict(queries)
        )
        ours = KNeighborsClassifier(algorithm="hnsw", ef=200, **options).fit(X, labels)
        exact = KNeighborsClassifier(**options).fit(X, labels)
        assert_array_equal(ours.predict(queries), exact.predict(queries))
        assert_array_equal(ours.predict(None), exact.predict(None))
    near = kneighbors_graph(graph(ef=200).fit(X), 5)
    assert abs(near - kneighbors_graph(X, 5)).max() == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pickle_clone_and_file(dtype, tmp_path):
    X, queries = (values.astype(dtype) for values in rows(700))
    model = graph().fit(X)
    expected = model.kneighbors(queries)
    assert_array_equal(pickle.loads(pickle.dumps(model)).kneighbors(queries)[0], expected[0])
    assert_array_equal(clone(model).fit(X).kneighbors(queries)[1], expected[1])
    smelt.save(model, tmp_path / "model.smelt")
    loaded = smelt.load(tmp_path / "model.smelt")
    assert loaded.get_params() == model.get_params()
    for ours, theirs in zip(loaded.kneighbors(queries), expected, strict=True):
        assert_array_equal(ours, theirs)
    y = queries[:, 0] > 0
    fitted = KNeighborsClassifier(algorithm="hnsw").fit(queries, y)
    smelt.save(fitted, tmp_path / "model.smelt")
    assert_array_equal(smelt.load(tmp_path / "model.smelt").predict(X), fitted.predict(X))


def test_other_types_of_input():
    X, queries = whole_numbers()
    expected = graph().fit(X).kneighbors(queries)
    for kind in (np.int32, np.float32):
        found = graph().fit(X.astype(kind)).kneighbors(queries.astype(kind))
        assert_array_equal(found[1], expected[1])
    assert_array_equal(graph().fit(np.asfortranarray(X)).kneighbors(queries)[1], expected[1])
    again = graph().fit(graph().fit(X)).kneighbors(queries)
    assert_array_equal(again[1], expected[1])


def test_what_cannot_be_is_refused(monkeypatch):
    X, queries = rows(50)
    model, pairs = graph().fit(X), np.abs(X @ X.T)
    refused = [
        (lambda: model.radius_neighbors(queries), "not all within a radius"),
        (lambda: model.radius_neighbors_graph(queries), "not all within a radius"),
        (lambda: model.kneighbors(queries, 51), "Expected n_neighbors <= n_samples_fit"),
        (lambda: model.kneighbors(n_neighbors=50), "Expected n_neighbors < n_samples_fit"),
        (lambda: model.kneighbors(queries[:, :2]), "features"),
        (lambda: model.kneighbors(np.full((1, 12), np.nan)), "contains NaN"),
        (lambda: model.kneighbors(sp.csr_matrix(queries)), "does not work with sparse"),
        (lambda: graph().fit(sp.csr_matrix(X)), "does not work with sparse"),
        (lambda: graph(metric="manhattan").fit(X), "not valid for algorithm 'hnsw'"),
        (lambda: graph(p=3).fit(X), "not valid for algorithm 'hnsw'"),
        (lambda: graph(metric=max).fit(X), "not valid for algorithm 'hnsw'"),
        (lambda: graph(metric="precomputed").fit(pairs), "not valid for algorithm 'hnsw'"),
        (lambda: graph(M=1).fit(X), "M"),
        (lambda: graph(ef=0).fit(X), "ef"),
        (lambda: graph(ef_construction=0).fit(X), "ef_construction"),
        (lambda: graph().fit(np.full((4, 2), np.inf)), "infinity"),
        (lambda: graph().fit(np.empty((0, 2))), "0 sample"),
    ]
    for call, words in refused:
        with pytest.raises(ValueError, match=words):
            call()
    order, levels = np.arange(50, dtype=np.uint32), np.zeros(50, dtype=np.uint8)
    for bad in (order[1:], np.zeros_like(order), order + 1):
        with pytest.raises(ValueError, match="order"):
            smelt._smelt.neighbors.hnsw_fit(
                X, bad, levels[: len(bad)], metric="cosine", M=4, ef_construction=9
            )
    monkeypatch.setattr("smelt.neighbors._index.free_memory", lambda: 1000)
    with pytest.raises(ValueError, match="GB are free"):
        graph().fit(X)


def test_the_twin_links_by_the_rule_of_malkov_and_yashunin():
    X = np.array([[0.0], [1.0], [2.0], [-5.0]])
    sorted_ = [(1.0, 1), (4.0, 2), (25.0, 3)]
    # Row 2 is nearer to row 1 than to row 0, so row 1 stands for it.
    assert [node for _, node in twins.hnsw.choose(X, sorted_, 3)] == [1, 3]
