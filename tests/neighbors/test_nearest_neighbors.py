"""NearestNeighbors, KDTree, BallTree, graphs: twin, scikit-learn, ties, threads, bad input."""

import pickle
import signal
import threading
import time

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.neighbors as reference
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import DistanceMetric

import smelt
from smelt.neighbors import (
    BallTree,
    KDTree,
    NearestNeighbors,
    kneighbors_graph,
    radius_neighbors_graph,
)

TREES = ["kd_tree", "ball_tree"]
METRICS = [
    {"metric": "euclidean"},
    {"metric": "manhattan"},
    {"metric": "chebyshev"},
    {"metric": "minkowski", "p": 3},
    {"metric": "minkowski", "p": 1.5},
    {"metric": "minkowski", "p": 2, "metric_params": {"p": 1}},
]


def rows(n=700, d=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal((60, d))


def lists_equal(ours, theirs):
    return len(ours) == len(theirs) and all(map(np.array_equal, ours, theirs))


@pytest.mark.filterwarnings("ignore:Parameter p is found")
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("algorithm", TREES)
@pytest.mark.parametrize("shape", [(700, 3), (1, 2), (9, 1), (150, 12)])
def test_equals_scikit_learn_to_the_last_bit(metric, algorithm, shape):
    X, _ = rows(*shape)
    _, queries = rows(1, shape[1], seed=1)
    k = min(7, len(X))
    parameters = {"n_neighbors": k, "algorithm": algorithm, "radius": 0.8, **metric}
    ours = NearestNeighbors(**parameters).fit(X)
    theirs = reference.NearestNeighbors(**parameters).fit(X)
    assert ours.effective_metric_ == theirs.effective_metric_
    assert ours.effective_metric_params_ == theirs.effective_metric_params_
    for Q in (queries, X, None):
        if Q is None and k == len(X):
            continue
        for found, expected in zip(ours.kneighbors(Q), theirs.kneighbors(Q), strict=True):
            assert_array_equal(found, expected)
            assert found.dtype == expected.dtype
        found = ours.radius_neighbors(Q, sort_results=True)
        expected = theirs.radius_neighbors(Q, sort_results=True)
        assert all(map(lists_equal, found, expected))


@pytest.mark.parametrize("metric", METRICS[:4])
@pytest.mark.parametrize("algorithm", TREES)
@pytest.mark.parametrize("shape", [(700, 3), (40, 2), (5, 1), (2100, 2)])
def test_equals_the_twin(metric, algorithm, shape):
    X, _ = rows(*shape)
    queries = X[:20] + 0.1
    made = []
    for engine in ("rust", "plain"):
        with smelt.config(engine=engine):
            model = NearestNeighbors(
                n_neighbors=4, algorithm=algorithm, leaf_size=11, **metric
            ).fit(X)
            near = model.radius_neighbors(queries, 0.5, sort_results=True)
            own = model.kneighbors(n_neighbors=3)[1] if len(X) < 100 else None
            made.append((model._index, model.kneighbors(queries), near, own))
    (tree, found, near, own), (twin, expected, twin_near, twin_own) = made
    for name in ("ids", "points", "least"):
        assert_array_equal(tree[name], twin[name])
    assert_allclose(tree["bounds"], twin["bounds"], rtol=1e-12, atol=1e-14)
    if metric["metric"] == "minkowski":
        assert_allclose(found[0], expected[0], rtol=1e-14)
    else:
        assert_array_equal(found[0], expected[0])
        assert all(map(lists_equal, near, twin_near))
    assert_array_equal(found[1], expected[1])
    assert own is None or np.array_equal(own, twin_own)


def test_a_tree_of_one_engine_is_asked_by_the_other():
    X, queries = rows()
    model = NearestNeighbors().fit(X)
    expected = model.kneighbors(queries)
    with smelt.config(engine="plain"):
        assert_array_equal(model.kneighbors(queries)[1], expected[1])
        model = NearestNeighbors().fit(X)
    assert_array_equal(model.kneighbors(queries)[0], expected[0])


@pytest.mark.parametrize("algorithm", TREES)
def test_of_rows_at_the_same_distance_the_first_comes_first(algorithm):
    X = np.random.default_rng(0).integers(0, 4, (900, 2)).astype(float)
    model = NearestNeighbors(n_neighbors=50, algorithm=algorithm).fit(X)
    distances, ids = model.kneighbors(X[:40])
    for query, d, i in zip(X[:40], distances, ids, strict=True):
        exact = np.sqrt(((X - query) ** 2).sum(axis=1))
        order = np.lexsort((np.arange(900), exact))[:50]
        assert_array_equal(i, order)
        assert_array_equal(d, exact[order])
    _, others = model.kneighbors()
    assert not (others == np.arange(900)[:, None]).any()


@pytest.mark.parametrize("shape", [(2000, 20), (300, 128), (40, 3), (5000, 1)])
@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_a_look_at_all_rows_finds_what_trees_find(shape, offset):
    X, _ = rows(*shape)
    X += offset
    _, queries = rows(1, shape[1], seed=5)
    queries += offset
    model = NearestNeighbors(n_neighbors=8, algorithm="brute").fit(X)
    tree = NearestNeighbors(n_neighbors=8, algorithm="kd_tree").fit(X)
    for Q in (queries, queries[:2], queries + 1e9, None):
        for found, expected in zip(model.kneighbors(Q), tree.kneighbors(Q), strict=True):
            assert_array_equal(found, expected)
    with smelt.config(engine="plain"):
        found = model.kneighbors(queries)
    for one, two in zip(found, model.kneighbors(queries), strict=True):
        assert_array_equal(one, two)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", [(700, 20), (33, 3), (9, 1)])
@pytest.mark.filterwarnings("ignore:Parameter p is found")
def test_a_look_at_all_rows_in_other_metrics(metric, shape):
    X, _ = rows(*shape)
    _, queries = rows(1, shape[1], seed=5)
    model = NearestNeighbors(n_neighbors=8, algorithm="brute", **metric).fit(X)
    tree = NearestNeighbors(n_neighbors=8, algorithm="kd_tree", **metric).fit(X)
    for Q in (queries, queries[:1], None):
        expected, made = tree.kneighbors(Q), []
        for threads in (1, 2, 7):
            with smelt.config(n_threads=threads):
                made.append(model.kneighbors(Q))
        for distances, ids in made:
            assert_array_equal(distances, expected[0])
            assert_array_equal(ids, expected[1])
        with smelt.config(engine="plain"):
            twin = model.kneighbors(Q)
        assert_allclose(twin[0], expected[0], rtol=1e-14)
        assert_array_equal(twin[1], expected[1])
    with pytest.raises(ValueError, match="none that is known here"):
        smelt._smelt.neighbors.nearest_neighbors_brute(X, X, 1, metric="cosine")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_look_at_all_rows_by_angle(dtype):
    X, queries = (values.astype(dtype) for values in rows(900, 20))
    _, queries = (values.astype(dtype) for values in rows(1, 20, seed=5))
    model = NearestNeighbors(n_neighbors=6, metric="cosine").fit(X)
    theirs = reference.NearestNeighbors(n_neighbors=6, metric="cosine").fit(X)
    for Q in (queries, None):
        found, expected = model.kneighbors(Q), theirs.kneighbors(Q)
        assert_allclose(found[0], expected[0], atol=1e-6 if dtype == np.float32 else 1e-14)
        assert_array_equal(found[1], expected[1])
    same = model.kneighbors(4 * X[:50], 1)
    assert (same[0] == 0).all() and (same[1][:, 0] == np.arange(50)).all()
    # Rows without a direction are at distance 1 of all.
    X[3] = 0
    model, theirs = model.fit(X), theirs.fit(X)
    assert_allclose(model.kneighbors(X[3:4])[0], 1, atol=1e-7)
    assert_allclose(model.kneighbors(queries)[0], theirs.kneighbors(queries)[0], atol=1e-6)


def test_a_look_at_all_rows_with_threads_ties_and_many_neighbours():
    X = np.random.default_rng(0).integers(0, 3, (3000, 20)).astype(float)
    X[:700] = X[0]
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            found.append(NearestNeighbors(n_neighbors=200).fit(X).kneighbors(X[:500]))
    tree = NearestNeighbors(n_neighbors=200, algorithm="kd_tree").fit(X).kneighbors(X[:500])
    for distances, ids in found:
        assert_array_equal(distances, tree[0])
        assert_array_equal(ids, tree[1])
    X[5] = 1e9  # float32 cannot tell the others apart
    brute, tree = (NearestNeighbors(algorithm=name).fit(X) for name in ("brute", "kd_tree"))
    assert_array_equal(brute.kneighbors(X[:90])[1], tree.kneighbors(X[:90])[1])


def test_all_rows_equal():
    X = np.full((50_000, 3), 0.7)
    distances, ids = NearestNeighbors(n_neighbors=4).fit(X).kneighbors(X)
    assert (distances == 0).all() and (ids == np.arange(4)).all()
    assert KDTree(X[:500]).query_radius(X[:2], 0.0, count_only=True).tolist() == [500, 500]


@pytest.mark.parametrize("size", [1e-200, 1e-30, 1e30, 1e200])
def test_huge_and_tiny_numbers(size):
    X, queries = rows()
    distances, ids = NearestNeighbors().fit(X * size).kneighbors(queries * size)
    assert_array_equal(distances, reference.KDTree(X * size).query(queries * size, 5)[0])
    if 1e-100 < size < 1e100:
        assert_array_equal(ids, NearestNeighbors().fit(X).kneighbors(queries)[1])


def test_distances_do_not_depend_on_the_order_of_rows():
    X, queries = rows(2000)
    order = np.random.default_rng(3).permutation(2000)
    d, i = NearestNeighbors(n_neighbors=9).fit(X).kneighbors(queries)
    e, j = NearestNeighbors(n_neighbors=9).fit(X[order]).kneighbors(queries)
    assert_array_equal(d, e)
    assert_array_equal(i, order[j])


@pytest.mark.parametrize("algorithm", TREES)
def test_threads_do_not_change_bits(algorithm):
    X, _ = rows(30_000, 4)
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            model = NearestNeighbors(n_neighbors=6, algorithm=algorithm).fit(X)
            arrays = [model._index[name] for name in ("ids", "points", "bounds", "least")]
            near = KDTree(X).query_radius(X[:2000], 0.2, count_only=True)
            found.append([*arrays, *model.kneighbors(X[:5000]), near])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            assert_array_equal(one, two)


def test_float32_and_other_types():
    X, queries = rows()
    exact = NearestNeighbors().fit(X.astype(np.float32).astype(float))
    single = NearestNeighbors().fit(X.astype(np.float32))
    assert_array_equal(exact.kneighbors(queries)[0], single.kneighbors(queries)[0])
    whole = (X * 10).astype(int)
    ours = NearestNeighbors().fit(whole).kneighbors((queries * 10).astype(int))
    theirs = reference.KDTree(whole).query((queries * 10).astype(int), 5)
    assert_array_equal(ours[0], theirs[0])
    assert_array_equal(
        NearestNeighbors().fit(np.asfortranarray(X)).kneighbors(np.asfortranarray(queries))[0],
        NearestNeighbors().fit(X).kneighbors(queries)[0],
    )


@pytest.mark.parametrize("k", [127, 128, 129, 699])
def test_many_neighbours(k):
    X, queries = rows()
    ours = NearestNeighbors(n_neighbors=k, algorithm="kd_tree").fit(X).kneighbors(queries)
    theirs = reference.KDTree(X).query(queries, k)
    assert_array_equal(ours[0], theirs[0])


def test_what_smelt_has_no_kernel_for_is_scikit_learns():
    X, queries = rows(200, 4)
    X, queries = np.abs(X), np.abs(queries)
    cases = [
        {"metric": "cosine"},
        {"metric": "correlation"},
        {"metric": "canberra"},
        {"metric": "braycurtis", "algorithm": "ball_tree"},
        {"metric": "mahalanobis", "metric_params": {"VI": np.eye(4)}, "algorithm": "brute"},
        {"metric": "minkowski", "metric_params": {"w": np.ones(4)}},
        {"metric": lambda a, b: np.abs(a - b).max()},
        {"metric": DistanceMetric.get_metric("manhattan"), "algorithm": "ball_tree"},
        {"algorithm": "brute"},
    ]
    for case in cases:
        ours = NearestNeighbors(n_neighbors=3, **case).fit(X)
        theirs = reference.NearestNeighbors(n_neighbors=3, **case).fit(X)
        assert ours._fit_method == theirs._fit_method
        assert_allclose(ours.kneighbors(queries)[0], theirs.kneighbors(queries)[0], atol=1e-7)
        found = ours.radius_neighbors(queries, 0.3, sort_results=True)[0]
        expected = theirs.radius_neighbors(queries, 0.3, sort_results=True)[0]
        for one, two in zip(found, expected, strict=True):
            assert_allclose(one, two, atol=1e-7)
    with pytest.warns(UserWarning, match="0 < p < 1"):
        ours = NearestNeighbors(p=0.5).fit(X)
    assert ours._fit_method == "brute"
    radians = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    ours = NearestNeighbors(metric="haversine").fit(radians).kneighbors()
    theirs = reference.NearestNeighbors(metric="haversine").fit(radians).kneighbors()
    assert_allclose(ours[0], theirs[0])
    for metric in ("hamming", "jaccard"):
        flags = X > 0.5
        ours = NearestNeighbors(metric=metric).fit(flags).kneighbors(flags[:9])
        theirs = reference.NearestNeighbors(metric=metric).fit(flags).kneighbors(flags[:9])
        assert_allclose(ours[0], theirs[0])


def test_sparse_and_precomputed():
    X = sp.random(150, 30, 0.2, format="csr", random_state=0)
    ours = NearestNeighbors(n_neighbors=4).fit(X).kneighbors(X[:20])
    theirs = reference.NearestNeighbors(n_neighbors=4).fit(X).kneighbors(X[:20])
    assert_allclose(ours[0], theirs[0], atol=1e-7)
    with pytest.warns(UserWarning, match="cannot use tree with sparse input"):
        NearestNeighbors(algorithm="kd_tree").fit(X)
    with pytest.raises(ValueError, match="not valid for sparse input"):
        NearestNeighbors(metric="haversine").fit(X[:, :2])
    dense, _ = rows(100)
    with pytest.raises(ValueError, match="does not work with sparse matrices"):
        NearestNeighbors().fit(dense).kneighbors(sp.csr_matrix(dense))
    distances = np.abs(dense[:, :1] - dense[:, 0])
    ours = NearestNeighbors(n_neighbors=4, metric="precomputed").fit(distances)
    theirs = reference.NearestNeighbors(n_neighbors=4, metric="precomputed").fit(distances)
    assert_array_equal(ours.kneighbors()[1], theirs.kneighbors()[1])
    with pytest.raises(ValueError, match="must be square"):
        NearestNeighbors(metric="precomputed").fit(distances[:5])


@pytest.mark.parametrize("mode", ["connectivity", "distance"])
@pytest.mark.parametrize("include_self", [False, True, "auto"])
def test_graphs(mode, include_self):
    X, _ = rows(200)
    options = {"mode": mode, "include_self": include_self}
    for ours, theirs in (
        (kneighbors_graph(X, 5, **options), reference.kneighbors_graph(X, 5, **options)),
        (
            radius_neighbors_graph(X, 0.4, **options),
            reference.radius_neighbors_graph(X, 0.4, **options),
        ),
    ):
        assert ours.shape == theirs.shape and abs(ours - theirs).max() == 0
    model = NearestNeighbors(n_neighbors=5).fit(X)
    assert abs(kneighbors_graph(model, 5, **options) - kneighbors_graph(X, 5, **options)).max() == 0


@pytest.mark.parametrize(
    "ours, theirs", [(KDTree, reference.KDTree), (BallTree, reference.BallTree)]
)
def test_trees_answer_as_scikit_learns(ours, theirs):
    X, queries = rows()
    parameters = {"leaf_size": 9, "metric": "minkowski", "p": 1}
    parameters["sample_weight"] = np.arange(1, 701, dtype=float)
    tree, other = ours(X, **parameters), theirs(X, **parameters)
    for found, expected in zip(tree.query(queries, 6), other.query(queries, 6), strict=True):
        assert_array_equal(found, expected)
    assert_array_equal(tree.query(queries, 6, return_distance=False), other.query(queries, 6)[1])
    radii = np.linspace(0.1, 1, len(queries))
    for r in (0.4, radii):
        counts = tree.query_radius(queries, r, count_only=True)
        assert_array_equal(counts, other.query_radius(queries, r, count_only=True))
        found = tree.query_radius(queries, r, return_distance=True, sort_results=True)
        expected = other.query_radius(queries, r, return_distance=True, sort_results=True)
        assert all(map(lists_equal, found, expected))
        assert lists_equal(tree.query_radius(queries, r), [np.sort(i) for i in expected[0]])
    pairs = tree.two_point_correlation(queries, radii)
    assert_array_equal(pairs, other.two_point_correlation(queries, radii))
    assert_array_equal(tree.kernel_density(queries, 0.3), other.kernel_density(queries, 0.3))
    for found, expected in zip(tree.get_arrays(), other.get_arrays(), strict=True):
        assert_array_equal(np.asarray(found), np.asarray(expected))
    again = pickle.loads(pickle.dumps(tree))
    assert_array_equal(again.query(queries, 6)[0], other.query(queries, 6)[0])
    model = NearestNeighbors(n_neighbors=6).fit(tree)
    assert_array_equal(model.kneighbors(queries)[0], tree.query(queries, 6)[0])
    for call, words in (
        (lambda: tree.query(queries, 701), "k must be less than or equal"),
        (lambda: tree.query(queries[:, :2]), "query data dimension must match"),
        (lambda: tree.query_radius(queries, radii[:3]), "r must be broadcastable"),
        (lambda: tree.query_radius(queries, 1, True, True), "cannot both be true"),
        (lambda: tree.query_radius(queries, 1, sort_results=True), "must be True if sort_results"),
        (lambda: ours(X, leaf_size=0), "leaf_size must be greater than or equal to 1"),
        (lambda: ours(np.full((3, 2), np.nan)), "contains NaN"),
        (lambda: ours(X, metric="cosine"), "metric"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_other_metrics_of_ball_trees_and_scikit_learns_trees():
    X, queries = rows(200, 2)
    ours, theirs = BallTree(X, metric="haversine"), reference.BallTree(X, metric="haversine")
    assert_array_equal(ours.query(queries, 3)[1], theirs.query(queries, 3)[1])
    near = ours.query_radius(queries, 0.1, count_only=True)
    assert_array_equal(near, theirs.query_radius(queries, 0.1, count_only=True))
    for tree in (ours, reference.KDTree(X), KDTree(X)):
        model = NearestNeighbors(n_neighbors=3).fit(tree)
        assert_array_equal(model.kneighbors(queries)[1], tree.query(queries, 3)[1])
        again = NearestNeighbors(n_neighbors=3).fit(model)
        assert_array_equal(again.kneighbors(queries)[1], tree.query(queries, 3)[1])


def test_what_scikit_learn_refuses_is_refused():
    X, queries = rows(20)
    model = NearestNeighbors().fit(X)
    refused = [
        (lambda: model.kneighbors(queries, 21), "Expected n_neighbors <= n_samples_fit"),
        (lambda: model.kneighbors(n_neighbors=20), "Expected n_neighbors < n_samples_fit"),
        (lambda: model.kneighbors(queries, 0), "Expected n_neighbors > 0. Got 0"),
        (lambda: model.kneighbors(queries[:, :2]), "features"),
        (lambda: model.kneighbors(np.full((1, 3), np.nan)), "contains NaN"),
        (lambda: model.radius_neighbors(queries, 1, False, True), "return_distance must be True"),
        (lambda: NearestNeighbors().fit(np.full((4, 2), np.inf)), "infinity"),
        (lambda: NearestNeighbors(algorithm="kd_tree", metric="cosine").fit(X), "not valid"),
        (lambda: NearestNeighbors(algorithm="kd_tree", metric=max).fit(X), "callable"),
        (lambda: NearestNeighbors(algorithm="kd_tree", p=0.5).fit(X), "0 < p < 1"),
        (lambda: NearestNeighbors(n_neighbors=0).fit(X), "n_neighbors"),
        (lambda: NearestNeighbors(leaf_size=0).fit(X), "leaf_size"),
        (lambda: NearestNeighbors().fit(np.empty((0, 2))), "0 sample"),
    ]
    for call, words in refused:
        with pytest.raises(ValueError, match=words):
            call()
    with pytest.raises(TypeError, match="enter integer value"):
        model.kneighbors(queries, 2.5)


def test_memory_is_refused_before_it_is_taken(monkeypatch):
    X, _ = rows(3000)
    monkeypatch.setattr("smelt.neighbors._index.free_memory", lambda: 1_000_000)
    model = NearestNeighbors(radius=100.0).fit(X)
    with pytest.raises(ValueError, match=r"need 0\.1 GB"):
        model.radius_neighbors(X)
    assert KDTree(X).query_radius(X[:3], 100.0, count_only=True).tolist() == [3000] * 3


def test_interrupting_is_answered():
    X, _ = rows(100_000, 12)
    model = NearestNeighbors(n_neighbors=20, algorithm="kd_tree").fit(X)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main, times = threading.get_ident(), []

    def interrupt():
        times.append(time.perf_counter())
        signal.pthread_kill(main, signal.SIGINT)

    threading.Timer(0.3, interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        model.kneighbors(X)
    assert time.perf_counter() - times[0] < 1.0


def test_pickle_clone_and_file(tmp_path):
    X, queries = rows()
    model = NearestNeighbors(n_neighbors=3).fit(X)
    expected = model.kneighbors(queries)
    assert_array_equal(pickle.loads(pickle.dumps(model)).kneighbors(queries)[0], expected[0])
    assert not hasattr(clone(model), "_fit_X")
    smelt.save(model, tmp_path / "model.smelt")
    assert_array_equal(smelt.load(tmp_path / "model.smelt").kneighbors(queries)[1], expected[1])
