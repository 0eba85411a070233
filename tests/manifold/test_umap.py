"""UMAP: twin, umap-learn's graph and quality, new rows, classes, threads, bad input."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits, make_blobs
from sklearn.neighbors import KNeighborsClassifier

import smelt
from smelt import _smelt
from smelt.manifold import UMAP, trustworthiness
from smelt.neighbors import NearestNeighbors
from smelt.plain import manifold as twins

kernels = _smelt.manifold
NONE = np.empty((0, 2))
SETTINGS = {
    "a": 1.577,
    "b": 0.895,
    "repulsion_strength": 1.0,
    "negative_sample_rate": 5,
    "learning_rate": 0.3,
    "n_epochs": 4,
    "seed": 7,
}


def blobs(n=300, d=6, dtype=np.float64):
    return make_blobs(n, d, centers=4, cluster_std=3.0, random_state=0)[0].astype(dtype)


def with_itself(X, k=15):
    distances, neighbors = NearestNeighbors(n_neighbors=k - 1).fit(X).kneighbors()
    return np.column_stack([np.zeros(len(X)), distances]), neighbors


def graph(X, mix=1.0):
    distances, neighbors = with_itself(X)
    found = kernels.umap_memberships(distances, 1.0)[:, 1:].ravel()
    found = kernels.umap_graph(neighbors, found, mix)
    return found["indptr"], found["indices"], found["data"], len(X)


def dense(W):
    return sp.csr_array((W[2], W[1], W[0]), shape=(W[3], W[3])).toarray()


@pytest.mark.parametrize("connectivity", [0.0, 0.4, 1.0, 1.5, 3.0, 20.0])
def test_memberships_equal_twin(connectivity):
    X = blobs(100)
    X[:20] = X[0]  # ties at no distance
    distances, _ = with_itself(X)
    ours = kernels.umap_memberships(distances, connectivity)
    assert_allclose(ours, twins.umap_memberships(distances, connectivity), atol=1e-9)
    assert_allclose(kernels.umap_memberships(np.zeros((5, 3)), connectivity), np.ones((5, 3)))


@pytest.mark.parametrize("mix", [0.0, 0.3, 1.0])
def test_graph_equals_twin(mix):
    distances, neighbors = with_itself(blobs(100))
    memberships = kernels.umap_memberships(distances, 1.0)[:, 1:].ravel()
    ours = kernels.umap_graph(neighbors, memberships, mix)
    twin = twins.umap_graph(neighbors, memberships, mix)
    for key, value in ours.items():
        assert_allclose(value, twin[key], rtol=1e-12)


@pytest.mark.slow  # umap-learn compiles itself
def test_graph_is_that_of_umap_learn():
    umap = pytest.importorskip("umap")
    X = blobs(200)
    theirs = umap.UMAP(n_epochs=0, random_state=0, init="random").fit(X.astype(np.float32)).graph_
    ours = UMAP(n_epochs=0, random_state=0).fit(X).graph_
    assert_allclose(ours.toarray(), theirs.toarray(), atol=2.1e-3)  # it drops what is never drawn
    assert_allclose(UMAP(min_dist=0.1)._find_curve(), umap.umap_.find_ab_params(1.0, 0.1), 1e-6)


@pytest.mark.parametrize("n", [60, 400])
def test_spectral_start_equals_twin(n):
    X = np.random.default_rng(0).uniform(size=(n, 2)) * [3, 1]
    W = graph(X)
    ours, twin = kernels.umap_spectral(W, 2), twins.umap_spectral(W, 2)
    for a, b in zip(ours.T, twin.T, strict=True):
        assert abs(a @ b) > 0.999
        assert_allclose(np.linalg.norm(a), 1)


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_descent_equals_twin(width):
    W = graph(blobs(150))
    rng = np.random.default_rng(1)
    start = 10 * rng.uniform(size=(150, width))
    keys, none = np.arange(150, dtype=np.uint64), np.empty((0, width))
    ours = kernels.umap_fit(W, start, none, keys, **SETTINGS)
    twin = twins.umap_fit(W, start, none, keys, **SETTINGS)
    assert np.abs(ours - start).max() > 0.1
    assert_allclose(np.median(np.abs(ours - twin)), 0, atol=1e-5)
    assert (np.abs(ours - twin) < 1e-2).mean() > 0.98
    fixed = 10 * rng.uniform(size=(150, width))
    ours = kernels.umap_fit(W, start, fixed, keys, **SETTINGS)
    assert_allclose(ours, twins.umap_fit(W, start, fixed, keys, **SETTINGS), atol=5e-3)


def test_pulls_and_pushes():
    pair = (np.array([0, 1, 2]), np.array([1, 0], dtype=np.int32), np.ones(2), 2)
    keys = np.arange(2, dtype=np.uint64)
    start = np.array([[0.0, 0.0], [6.0, 0.0]])
    still = SETTINGS | {"negative_sample_rate": 0, "n_epochs": 30}
    near = kernels.umap_fit(pair, start, NONE, keys, **still)
    assert abs(near[0, 0] - near[1, 0]) < 1.0
    alone = (np.array([0, 1, 2]), np.array([0, 1], dtype=np.int32), np.ones(2), 2)
    far = kernels.umap_fit(alone, start / 6, NONE, keys, **SETTINGS | {"n_epochs": 30})
    assert abs(far[0, 0] - far[1, 0]) > 1.5


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


@pytest.mark.slow  # umap-learn compiles itself
def test_pictures_are_as_good_as_umap_learns(digits):
    umap = pytest.importorskip("umap")
    X, _ = digits
    ours = trustworthiness(X, UMAP(random_state=0).fit_transform(X))
    theirs = trustworthiness(X, umap.UMAP(random_state=0).fit_transform(X))
    assert ours > theirs - 0.005


def test_new_rows(digits):
    X, labels = digits
    model = UMAP(random_state=0, n_epochs=200).fit(X[:1400])
    near = KNeighborsClassifier(5).fit(model.embedding_, labels[:1400])
    placed = model.transform(X[1400:])
    assert near.score(placed, labels[1400:]) > 0.9
    order = np.random.default_rng(0).permutation(len(placed))
    assert_array_equal(model.transform(X[1400:][order]), placed[order])
    assert_array_equal(model.transform(X[1400:1410]), placed[:10])
    assert_array_equal(model.transform(X[:50]), model.embedding_[:50])


def test_classes_move_apart(digits):
    X, labels = digits
    plain = UMAP(random_state=0, n_epochs=100).fit_transform(X)
    heeded = UMAP(random_state=0, n_epochs=100).fit(X, labels).embedding_
    score = KNeighborsClassifier(15).fit(plain, labels).score(plain, labels)
    assert KNeighborsClassifier(15).fit(heeded, labels).score(heeded, labels) > score
    names = np.array(list("abcdefghij"))[labels]
    again = UMAP(random_state=0, n_epochs=100).fit(X, names)
    assert_array_equal(again.embedding_, heeded)
    numbers = UMAP(random_state=0, n_epochs=100).fit(X, np.linspace(0, 1, len(X)))
    assert_array_equal(numbers.embedding_, plain)


@pytest.mark.slow  # umap-learn compiles itself
def test_classes_weigh_as_in_umap_learn():
    umap = pytest.importorskip("umap")
    X = blobs(150)
    y = np.random.default_rng(0).integers(-1, 3, size=150)
    theirs = umap.UMAP(n_epochs=0, random_state=0, init="random").fit(X.astype(np.float32), y)
    ours = UMAP(n_epochs=0).fit(X, y)
    assert_allclose(ours.graph_.toarray(), theirs.graph_.toarray(), atol=2.1e-3)


def test_threads_do_not_change_a_bit():
    X = blobs(2000)
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            model = UMAP(random_state=0, n_epochs=30).fit(X)
            found.append((model.embedding_, model.transform(X[:100] + 0.1)))
    for other in found[1:]:
        assert_array_equal(found[0][0], other[0])
        assert_array_equal(found[0][1], other[1])


@pytest.mark.parametrize("init", ["spectral", "pca", "random"])
def test_starts(init):
    X = blobs(200)
    model = UMAP(init=init, random_state=0).fit(X)
    assert model.embedding_.dtype == np.float32
    assert trustworthiness(X, model.embedding_) > 0.85
    other = UMAP(init=init, random_state=1).fit(X)
    assert np.abs(model.embedding_ - other.embedding_).max() > 1e-3


def test_given_starts_and_settings():
    X = blobs(100)
    start = np.random.default_rng(0).uniform(size=(100, 3))
    model = UMAP(n_components=3, init=start, n_epochs=0, random_state=0).fit(X)
    assert np.corrcoef(model.embedding_[:, 0], start[:, 0])[0, 1] > 0.999
    tight, loose = (
        UMAP(min_dist=dist, random_state=0, n_epochs=100).fit(X).embedding_ for dist in (0.0, 0.9)
    )
    gaps = [NearestNeighbors(n_neighbors=1).fit(Y).kneighbors()[0].mean() for Y in (tight, loose)]
    assert gaps[0] < gaps[1]
    given = UMAP(a=1.5, b=0.9)._find_curve()
    assert given == (1.5, 0.9)


def test_metrics_sparse_rows_and_distances():
    X = blobs(120)
    distances = np.sqrt(((X[:, None] - X) ** 2).sum(axis=2))
    expected = UMAP(n_epochs=0).fit(X).graph_.toarray()
    given = UMAP(n_epochs=0, metric="precomputed", init="random").fit(distances)
    assert_allclose(given.graph_.toarray(), expected, atol=1e-6)
    assert given.transform(distances[:3]).shape == (3, 2)
    sparse = UMAP(n_epochs=0, init="random").fit(sp.csr_array(X))
    assert_allclose(sparse.graph_.toarray(), expected, atol=1e-6)
    named = UMAP(n_epochs=0, metric="manhattan").fit(X)
    called = UMAP(n_epochs=0, metric=lambda a, b: np.abs(a - b).sum()).fit(X)
    assert_allclose(named.graph_.toarray(), called.graph_.toarray(), atol=1e-6)
    assert np.abs(named.graph_.toarray() - expected).max() > 0.01


def test_parts_that_do_not_touch_and_equal_rows():
    X = np.concatenate([blobs(60), blobs(60) + 1e4])
    assert np.isfinite(UMAP(random_state=0, n_epochs=50).fit(X).embedding_).all()
    same = UMAP(random_state=0, n_epochs=50).fit(np.ones((40, 3)))
    assert np.isfinite(same.embedding_).all()
    for n in (2, 3, 4, 10):  # fewer rows than neighbours
        few = UMAP(random_state=0, n_epochs=20).fit(blobs(n))
        assert np.isfinite(few.embedding_).all()
        assert np.isfinite(few.transform(blobs(n) + 1)).all()


def test_single_precision():
    X = blobs(500)
    single = UMAP(random_state=0).fit(X.astype(np.float32))
    assert trustworthiness(X, single.embedding_) > 0.9


def test_frames_copies_and_files(tmp_path, capsys):
    frame = pd.DataFrame(blobs(60), columns=list("abcdef"))
    model = UMAP(random_state=0, n_epochs=20, verbose=True).set_output(transform="pandas")
    assert list(model.fit_transform(frame).columns) == ["umap0", "umap1"]
    assert "[UMAP] descent" in capsys.readouterr().out
    expected = model.transform(frame + 0.5)
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(copy.transform(frame + 0.5), expected)
    smelt.save(model, tmp_path / "model.smelt")
    loaded = smelt.load(tmp_path / "model.smelt")
    assert_array_equal(np.asarray(loaded.transform(frame + 0.5)), expected)
    assert_array_equal(loaded.graph_.toarray(), model.graph_.toarray())


def test_bad_input():
    X = blobs(50)
    with pytest.raises(ValueError, match="min_dist must be less than or equal to spread"):
        UMAP(min_dist=2.0).fit(X)
    with pytest.raises(ValueError, match="'n_neighbors' parameter"):
        UMAP(n_neighbors=1).fit(X)
    with pytest.raises(ValueError, match="contains NaN"):
        UMAP().fit(np.where(X > 1, np.nan, X))
    with pytest.raises(ValueError, match="square distance matrix"):
        UMAP(metric="precomputed").fit(X)
    with pytest.raises(ValueError, match="init should be an array of shape"):
        UMAP(init=np.zeros((3, 2))).fit(X)
    with pytest.raises(ValueError, match="init contains NaN"):
        UMAP(init=np.full((50, 2), np.nan)).fit(X)
    with pytest.raises(ValueError, match='init="pca" needs rows'):
        UMAP(n_components=9, init="pca").fit(X)
    with pytest.raises(ValueError, match="y has 3 values for 50 rows"):
        UMAP().fit(X, [1, 2, 3])
    W, keys = graph(X), np.arange(50, dtype=np.uint64)
    with pytest.raises(ValueError, match="disagree in their sizes"):
        kernels.umap_fit(W, np.zeros((49, 2)), NONE, keys, **SETTINGS)
    with pytest.raises(ValueError, match="must be greater than 0"):
        kernels.umap_fit(W, np.zeros((50, 2)), NONE, keys, **SETTINGS | {"a": -1.0})
    with pytest.raises(ValueError, match="more nodes than eigenvectors"):
        kernels.umap_spectral(W, 50)
