"""t-SNE: twin, gradients, scikit-learn's probabilities and divergence, threads, bad input."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.manifold
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs
from sklearn.neighbors import KNeighborsTransformer

import smelt
import smelt.manifold.tsne
from smelt import _smelt, plain
from smelt.manifold import TSNE, trustworthiness
from smelt.neighbors import NearestNeighbors
from smelt.plain import manifold as twins

assert plain is not None
kernels = _smelt.manifold

SETTINGS = {
    "early_exaggeration": 12.0,
    "exploration_iter": 6,
    "max_iter": 12,
    "learning_rates": (50.0, 50.0),
    "n_iter_without_progress": 300,
    "min_grad_norm": 0.0,
    "angle": 0.5,
}


def blobs(n=300, d=6, dtype=np.float64):
    return make_blobs(n, d, centers=4, cluster_std=2.0, random_state=0)[0].astype(dtype)


def graph(X, perplexity=10.0):
    distances, neighbors = NearestNeighbors(n_neighbors=int(3 * perplexity + 1)).fit(X).kneighbors()
    found = kernels.tsne_affinities(distances**2, neighbors, perplexity)
    return found["indptr"], found["indices"], found["data"], len(X)


def dense(P):
    return sp.csr_array((P[2], P[1], P[0]), shape=(P[3], P[3])).toarray()


def divergence(P, Y):
    """The divergence of a picture from probabilities as a matrix."""
    return kernels.tsne_gradient_exact(P, Y.astype(float))[0]


def test_probabilities_are_those_of_the_twin_and_of_scikit_learn():
    X = blobs()
    distances, neighbors = NearestNeighbors(n_neighbors=31).fit(X).kneighbors()
    ours = kernels.tsne_affinities(distances**2, neighbors, 10.0)
    twin = twins.tsne_affinities(distances**2, neighbors, 10.0)
    assert_array_equal(ours["indptr"], twin["indptr"])
    assert_array_equal(ours["indices"], twin["indices"])
    assert_allclose(ours["data"], twin["data"], rtol=1e-8)
    theirs = sklearn.manifold._t_sne._joint_probabilities_nn(
        sp.csr_array((distances.ravel() ** 2, neighbors.ravel(), np.arange(301) * 31)), 10.0, 0
    )
    assert_allclose(dense((*ours.values(), 300)), theirs.toarray(), rtol=1e-4, atol=1e-12)


def test_probabilities_of_all_pairs():
    X = blobs(80)
    squares = ((X[:, None] - X) ** 2).sum(axis=2)
    ours = kernels.tsne_affinities_exact(squares, 10.0)
    assert_allclose(ours, twins.tsne_affinities_exact(squares, 10.0), rtol=1e-8)
    assert_array_equal(ours, ours.T)
    assert_allclose(ours.sum(), 1)
    theirs = sklearn.manifold._t_sne._joint_probabilities(squares, 10.0, 0)
    assert_allclose(ours[np.triu_indices(80, 1)], theirs, rtol=1e-3, atol=1e-12)


def test_distances_of_any_size():
    rng = np.random.default_rng(0)
    distances = rng.gamma(2.0, size=(91, 90)) * 10.0 ** np.arange(-45, 46)[:, None]
    neighbors = np.array([[j for j in range(91) if j != i] for i in range(91)])
    ours = kernels.tsne_affinities(distances, neighbors, 20.0)["data"]
    assert_allclose(ours, twins.tsne_affinities(distances, neighbors, 20.0)["data"], rtol=1e-7)


@pytest.mark.parametrize("distances", [np.zeros((4, 3)), np.full((4, 3), 7.0), np.eye(4)[:, :3]])
@pytest.mark.parametrize("perplexity", [0.5, 2.0, 3.5])
def test_ties_and_perplexities_out_of_reach(distances, perplexity):
    neighbors = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
    ours = kernels.tsne_affinities(distances, neighbors, perplexity)["data"]
    twin = twins.tsne_affinities(distances, neighbors, perplexity)["data"]
    assert_allclose(ours, twin, atol=1e-7)
    assert_allclose(ours.sum(), 1)


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 30.0])
@pytest.mark.parametrize("angle", [0.0, 0.5, 1.0])
def test_gradient_equals_twin(width, scale, angle):
    P = graph(blobs())
    Y = scale * np.random.default_rng(1).standard_normal((300, width))
    error, gradient = kernels.tsne_gradient(P, Y, angle)
    twin_error, twin = twins.tsne_gradient(P, Y, angle)
    assert_allclose(error, twin_error, rtol=1e-5)
    assert_allclose(gradient, twin, atol=2e-5 * np.abs(twin).max())
    if angle == 0:
        exact_error, exact = twins.tsne_gradient_exact(dense(P), Y)
        assert_allclose(twin_error, exact_error)
        assert_allclose(twin, exact, atol=1e-5 * np.abs(exact).max())


def test_far_cells_are_near_enough():
    P = graph(blobs(1500))
    Y = 20 * np.random.default_rng(1).standard_normal((1500, 2))
    exact_error, exact = kernels.tsne_gradient(P, Y, 0.0)
    error, gradient = kernels.tsne_gradient(P, Y, 0.5)
    assert abs(error - exact_error) < 0.01
    assert np.linalg.norm(gradient - exact) < 0.01 * np.linalg.norm(exact)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_exact_gradient_is_the_slope_of_the_divergence(width):
    P = dense(graph(blobs(120)))
    Y = np.random.default_rng(1).standard_normal((120, width))
    error, gradient = kernels.tsne_gradient_exact(P, Y)
    twin_error, twin = twins.tsne_gradient_exact(P, Y)
    assert_allclose(error, twin_error, rtol=1e-10)
    assert_allclose(gradient, twin, atol=1e-13)
    for i, j in ((0, 0), (7, width - 1)):
        step = np.zeros_like(Y)
        step[i, j] = 1e-5
        slope = (divergence(P, Y + step) - divergence(P, Y - step)) / 2e-5
        assert_allclose(gradient[i, j], slope, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_descent_equals_twin(width):
    P = graph(blobs())
    start = 1e-2 * np.random.default_rng(2).standard_normal((300, width))
    ours = kernels.tsne_fit(P, start, **SETTINGS)
    twin = twins.tsne_fit(P, start, **SETTINGS)
    scale = np.abs(twin["embedding"]).max()
    assert_allclose(ours["embedding"], twin["embedding"], atol=1e-3 * scale)
    assert_allclose(ours["kl_divergence"], twin["kl_divergence"], rtol=1e-4)
    exact = kernels.tsne_fit_exact(dense(P), start, **SETTINGS)
    twin = twins.tsne_fit_exact(dense(P), start, **SETTINGS)
    assert_allclose(exact["embedding"], twin["embedding"], rtol=1e-7, atol=1e-12)
    assert_allclose(exact["kl_divergence"], twin["kl_divergence"])
    assert exact["n_iter"] == twin["n_iter"] == 11


def test_looks_and_ends_equal_twin():
    P = dense(graph(blobs(60), 5.0))
    start = 1e-2 * np.random.default_rng(2).standard_normal((60, 2))
    for change in ({}, {"n_iter_without_progress": -1}, {"min_grad_norm": 0.1}):
        settings = SETTINGS | {"max_iter": 150, "exploration_iter": 50} | change
        ours = kernels.tsne_fit_exact(P, start, **settings)
        twin = twins.tsne_fit_exact(P, start, **settings)
        assert ours["n_iter"] == twin["n_iter"]
        assert [look[0] for look in ours["history"]] == [look[0] for look in twin["history"]]
        assert ours["kl_divergence"] < 0.5


@pytest.fixture(scope="module")
def digits():
    X = load_digits().data
    return X, dense(graph(X, 30.0))


def test_divergence_is_not_above_that_of_scikit_learn(digits):
    X, P = digits
    ours = TSNE(random_state=0).fit(X)
    theirs = sklearn.manifold.TSNE(random_state=0).fit(X)
    assert divergence(P, ours.embedding_) < divergence(P, theirs.embedding_) + 0.005
    assert_allclose(ours.kl_divergence_, divergence(P, ours.embedding_), rtol=0.01)
    assert ours.embedding_.dtype == theirs.embedding_.dtype
    assert ours.learning_rate_ == theirs.learning_rate_
    assert ours.n_iter_ == theirs.n_iter_
    assert trustworthiness(X, ours.embedding_) > 0.99


def test_explicit_rates_are_scikit_learns(digits):
    X, P = digits
    ours = TSNE(random_state=0, learning_rate=200.0, max_iter=500).fit(X)
    theirs = sklearn.manifold.TSNE(random_state=0, learning_rate=200.0, max_iter=500).fit(X)
    assert ours.learning_rate_ == 200.0
    assert abs(divergence(P, ours.embedding_) - divergence(P, theirs.embedding_)) < 0.03


@pytest.mark.parametrize("width", [1, 3])
def test_lines_and_spaces(width):
    X = blobs(400)
    model = TSNE(width, random_state=0, max_iter=400).fit(X)
    assert model.embedding_.shape == (400, width)
    assert trustworthiness(X, model.embedding_) > (0.9 if width == 1 else 0.97)


def test_exact_method_and_many_columns():
    X = blobs(200)
    model = TSNE(4, method="exact", random_state=0, max_iter=300, perplexity=10).fit(X)
    assert trustworthiness(X, model.embedding_) > 0.97
    flat = TSNE(method="exact", random_state=0, perplexity=10).fit(X)
    theirs = sklearn.manifold.TSNE(method="exact", random_state=0, perplexity=10).fit(X)
    assert flat.kl_divergence_ < theirs.kl_divergence_ + 0.02


@pytest.mark.parametrize("method", ["barnes_hut", "exact"])
def test_threads_do_not_change_a_bit(method):
    X = blobs(1000)
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            found.append(TSNE(random_state=0, max_iter=260, method=method).fit(X))
    for other in found[1:]:
        assert_array_equal(found[0].embedding_, other.embedding_)
        assert found[0].kl_divergence_ == other.kl_divergence_


def probabilities(X, **settings):
    """What the descent gets, as a matrix."""
    model = TSNE(perplexity=9, **settings)
    return model._all_pairs(X) if model.method == "exact" else dense(model._nearest_pairs(X))


@pytest.mark.parametrize("method", ["barnes_hut", "exact"])
def test_metrics_and_distances(method):
    X = blobs(150)
    plain_pairs = probabilities(X, method=method)
    distances = np.sqrt(((X[:, None] - X) ** 2).sum(axis=2))
    given = probabilities(distances, method=method, metric="precomputed")
    assert_allclose(given, plain_pairs, atol=1e-9)
    named = probabilities(X, method=method, metric="manhattan")
    called = probabilities(X, method=method, metric=lambda a, b: np.abs(a - b).sum())
    assert_allclose(called, named, atol=1e-9)
    power = probabilities(X, method=method, metric="minkowski", metric_params={"p": 1})
    assert_allclose(power, named, atol=1e-9)
    assert np.abs(named - plain_pairs).max() > 1e-4
    quick = {
        "method": method,
        "init": "random",
        "random_state": 0,
        "max_iter": 300,
        "perplexity": 9,
    }
    model = TSNE(metric="precomputed", **quick).fit(distances)
    assert trustworthiness(X, model.embedding_) > 0.9


def test_sparse_rows_and_sparse_distances():
    X = np.maximum(blobs(150), 0)
    expected = probabilities(X)
    assert_allclose(probabilities(sp.csr_array(X)), expected, atol=1e-9)
    near = KNeighborsTransformer(n_neighbors=40, mode="distance").fit_transform(X)
    assert_allclose(probabilities(near, metric="precomputed"), expected, atol=1e-9)
    quick = {"init": "random", "random_state": 0, "max_iter": 300, "perplexity": 9}
    for rows, metric in ((sp.csr_array(X), "euclidean"), (near, "precomputed")):
        model = TSNE(metric=metric, **quick).fit(rows)
        assert trustworthiness(X, model.embedding_) > 0.9


def test_starts():
    X = blobs(100)
    start = np.random.default_rng(0).standard_normal((100, 2))
    model = TSNE(init=start, perplexity=5, max_iter=260).fit(X)
    assert model.embedding_.dtype == np.float64
    again = TSNE(init=start.astype(np.float32), perplexity=5, max_iter=260).fit(X)
    assert again.embedding_.dtype == np.float32
    pca = TSNE(perplexity=5, max_iter=260, random_state=0)
    assert_array_equal(pca.fit_transform(X), clone(pca).fit(X).embedding_)
    with pytest.raises(ValueError, match=r"init should be an array of shape \(100, 2\)"):
        TSNE(init=start[:50]).fit(X)
    with pytest.raises(ValueError, match="init contains NaN"):
        TSNE(init=np.full((100, 2), np.nan)).fit(X)


def test_equal_rows_and_duplicates():
    same = TSNE(perplexity=3, max_iter=260, random_state=0).fit(np.ones((40, 3)))
    assert np.isfinite(same.embedding_).all()
    apart = TSNE(perplexity=3, max_iter=260, init="random", random_state=0).fit(np.ones((40, 3)))
    assert np.isfinite(apart.embedding_).all()
    twice = np.repeat(blobs(60), 5, axis=0)
    model = TSNE(perplexity=10, max_iter=300, random_state=0).fit(twice)
    assert np.isfinite(model.embedding_).all()
    assert trustworthiness(twice, model.embedding_) > 0.9
    two = TSNE(perplexity=1, max_iter=250, random_state=0).fit([[0.0, 1.0], [1.0, 0.0]])
    assert np.isfinite(two.embedding_).all()


def test_huge_and_tiny_numbers():
    X = blobs(100)
    usual = TSNE(perplexity=5, max_iter=300, random_state=0).fit(X)
    for factor in (1e-120, 1e120):
        scaled = TSNE(perplexity=5, max_iter=300, random_state=0).fit(X * factor)
        assert_allclose(scaled.kl_divergence_, usual.kl_divergence_, rtol=0.2)


def test_what_it_says(capsys):
    TSNE(verbose=2, perplexity=5, max_iter=300, random_state=0).fit(blobs(60))
    said = capsys.readouterr().out
    assert "Computing 16 nearest neighbors" in said
    assert "Iteration 50: error = " in said
    assert "KL divergence after 300 iterations" in said


def test_frames_copies_and_files(tmp_path):
    frame = pd.DataFrame(blobs(60), columns=list("abcdef"))
    model = TSNE(perplexity=5, max_iter=260, random_state=0).set_output(transform="pandas")
    picture = model.fit_transform(frame)
    assert list(picture.columns) == ["tsne0", "tsne1"]
    assert_array_equal(model.feature_names_in_, frame.columns)
    assert_array_equal(pickle.loads(pickle.dumps(model)).embedding_, model.embedding_)
    smelt.save(model, tmp_path / "model.smelt")
    assert_array_equal(smelt.load(tmp_path / "model.smelt").embedding_, model.embedding_)


def test_bad_input(monkeypatch):
    X = blobs(50)
    with pytest.raises(ValueError, match=r"perplexity \(50\) must be less than n_samples \(50\)"):
        TSNE(perplexity=50).fit(X)
    with pytest.raises(ValueError, match="'n_components' should be inferior to 4"):
        TSNE(4, perplexity=5).fit(X)
    with pytest.raises(ValueError, match='cannot be used with metric="precomputed"'):
        TSNE(metric="precomputed", perplexity=5).fit(np.zeros((50, 50)))
    with pytest.raises(ValueError, match="square distance matrix"):
        TSNE(metric="precomputed", init="random", perplexity=5).fit(X)
    with pytest.raises(ValueError, match="should contain positive distances"):
        TSNE(metric="precomputed", init="random", perplexity=5).fit(-np.ones((50, 50)))
    with pytest.raises(TypeError, match="does not accept sparse precomputed"):
        TSNE(metric="precomputed", init="random", perplexity=5, method="exact").fit(
            sp.csr_array(np.ones((50, 50)))
        )
    with pytest.raises(ValueError, match="contains NaN"):
        TSNE(perplexity=5).fit(np.where(X > 1, np.nan, X))
    with pytest.raises(ValueError, match="flies apart"):
        TSNE(perplexity=5, learning_rate=1e30, random_state=0).fit(X)
    with pytest.raises(ValueError, match="'max_iter' parameter"):
        TSNE(max_iter=100).fit(X)
    monkeypatch.setattr(smelt.manifold.tsne, "free_memory", lambda: 1000)
    with pytest.raises(MemoryError, match="holds all pairs of 50 rows"):
        TSNE(method="exact", perplexity=5).fit(X)


def test_kernels_check_what_they_get():
    P, Y = graph(blobs(60), 5.0), np.zeros((60, 2))
    with pytest.raises(ValueError, match="unknown field"):
        kernels.tsne_fit(P, Y, no_such=1, **SETTINGS)
    with pytest.raises(ValueError, match="P must be square"):
        kernels.tsne_fit(P, Y[:50], **SETTINGS)
    with pytest.raises(ValueError, match="one to three columns"):
        kernels.tsne_fit(P, np.zeros((60, 4)), **SETTINGS)
    with pytest.raises(ValueError, match="angle"):
        kernels.tsne_gradient(P, Y, 1.5)
    with pytest.raises(ValueError, match="learning_rate"):
        kernels.tsne_fit(P, Y, **SETTINGS | {"learning_rates": (0.0, 1.0)})
    with pytest.raises(ValueError, match="is no neighbour"):
        kernels.tsne_affinities(np.ones((2, 1)), np.array([[2], [0]]), 1.0)
    with pytest.raises(ValueError, match="perplexity"):
        kernels.tsne_affinities(np.ones((2, 1)), np.array([[1], [0]]), 0.0)
