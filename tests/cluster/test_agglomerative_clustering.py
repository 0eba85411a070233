"""AgglomerativeClustering: twin, scikit-learn, SciPy, graphs, metrics, threads, bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.cluster
from numpy.testing import assert_allclose, assert_array_equal
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score, pairwise_distances
from sklearn.neighbors import kneighbors_graph

import smelt
from smelt.cluster import AgglomerativeClustering

THEIRS = ("ward", "complete", "average", "single")
ALL = (*THEIRS, "weighted", "centroid", "median")


def blobs(n=400, d=5, seed=0, dtype=np.float64):
    return make_blobs(n, d, centers=8, random_state=seed)[0].astype(dtype)


def agree(ours, theirs, rtol=1e-10):
    assert_array_equal(ours.labels_, theirs.labels_)
    assert_array_equal(ours.children_, theirs.children_)
    assert ours.labels_.dtype == theirs.labels_.dtype
    assert ours.children_.dtype == theirs.children_.dtype
    assert ours.n_leaves_ == theirs.n_leaves_
    assert ours.n_clusters_ == theirs.n_clusters_
    assert ours.n_connected_components_ == theirs.n_connected_components_
    assert hasattr(ours, "distances_") == hasattr(theirs, "distances_")
    if hasattr(ours, "distances_"):
        assert_allclose(ours.distances_, theirs.distances_, rtol=rtol, atol=1e-12)


def check(X, plain=True, **parameters):
    ours = AgglomerativeClustering(**parameters).fit(X)
    if parameters.get("linkage", "ward") in THEIRS:
        agree(ours, sklearn.cluster.AgglomerativeClustering(**parameters).fit(X))
    if plain:
        with smelt.config(engine="plain"):
            agree(ours, AgglomerativeClustering(**parameters).fit(X))
    return ours


@pytest.mark.parametrize("linkage", ALL)
@pytest.mark.parametrize("d", [1, 2, 7])
def test_equals_twin_scikit_learn_and_scipy(linkage, d):
    X = blobs(d=d)
    for n_clusters in (1, 2, 8, 50, 400):
        ours = check(X, n_clusters == 8, n_clusters=n_clusters, linkage=linkage)
        assert len(set(ours.labels_)) == n_clusters
    ours = check(X, False, linkage=linkage, compute_distances=True)
    Z = hierarchy.linkage(X, linkage)
    assert_allclose(ours.linkage_matrix(), np.column_stack([np.sort(Z[:, :2]), Z[:, 2:]]))


@pytest.mark.parametrize("linkage", ALL)
def test_cutting_at_a_height(linkage):
    X = blobs(200)
    heights = AgglomerativeClustering(linkage=linkage, compute_distances=True).fit(X).distances_
    for threshold in (0.0, float(np.median(heights)), 2 * heights.max()):
        parameters = {"n_clusters": None, "distance_threshold": threshold, "linkage": linkage}
        ours = check(X, **parameters)
        assert len(set(ours.labels_)) == ours.n_clusters_ == (heights >= threshold).sum() + 1


@pytest.mark.parametrize("metric", ["manhattan", "l1", "cityblock", "chebyshev", "l2", "cosine"])
@pytest.mark.parametrize("linkage", ["complete", "average", "single", "weighted"])
def test_metrics(metric, linkage):
    if not (metric == "cosine" and linkage == "single"):  # not among those of scikit-learn's trees
        check(blobs(150), metric=metric, linkage=linkage, compute_distances=True)


@pytest.mark.parametrize("linkage", ["complete", "average", "single", "weighted"])
def test_distances_instead_of_rows(linkage):
    X = blobs(150)
    D = pairwise_distances(X)
    given = check(D, metric="precomputed", linkage=linkage, n_clusters=6)
    made = check(X, metric=pairwise_distances, linkage=linkage, n_clusters=6)
    assert adjusted_rand_score(given.labels_, made.labels_) == 1
    expected = hierarchy.linkage(squareform(D, checks=False), linkage)
    ours = AgglomerativeClustering(linkage=linkage, metric="precomputed", compute_distances=True)
    assert_allclose(ours.fit(D).distances_, expected[:, 2], rtol=1e-12)
    upper = np.triu(D) + np.tril(np.ones_like(D))
    assert_array_equal(ours.fit(upper).distances_, ours.fit(D).distances_)


@pytest.mark.parametrize("linkage", [*THEIRS, "weighted"])
@pytest.mark.parametrize("full", ["auto", True, False])
def test_only_neighbours_merge(linkage, full):
    X = blobs()
    graph = kneighbors_graph(X, 8, include_self=False)
    for n_clusters in (5, 150):
        parameters = {"linkage": linkage, "compute_full_tree": full, "n_clusters": n_clusters}
        ours = check(X, connectivity=graph, compute_distances=True, **parameters)
        assert len(set(ours.labels_)) == n_clusters
    dense = check(X, False, connectivity=graph.toarray(), **parameters)
    made = AgglomerativeClustering(
        connectivity=lambda X: kneighbors_graph(X, 8, include_self=False), **parameters
    )
    assert_array_equal(made.fit(X).labels_, dense.labels_)


@pytest.mark.parametrize("linkage", ["ward", "complete", "average", "single"])
def test_ties_on_a_grid_of_neighbours(linkage):
    """Scikit-learn's choice among equal edges, from how its heap works."""
    X = np.random.default_rng(0).integers(0, 3, (15 * 15, 2)).astype(float)
    from sklearn.feature_extraction.image import grid_to_graph

    graph = grid_to_graph(15, 15)
    check(X, False, linkage=linkage, connectivity=graph, n_clusters=6, compute_distances=True)


@pytest.mark.parametrize("linkage", ["complete", "average"])
def test_a_graph_of_given_distances(linkage):
    D = pairwise_distances(blobs(120))
    graph = kneighbors_graph(blobs(120), 20, include_self=False)
    check(D, linkage=linkage, metric="precomputed", connectivity=graph, n_clusters=4)


@pytest.mark.filterwarnings("ignore:the number of connected components")
def test_a_graph_that_falls_apart_is_completed():
    X = blobs(100)
    graph = sp.block_diag([np.ones((50, 50)), np.ones((50, 50))]).tocsr()
    assert check(X, connectivity=graph).n_connected_components_ == 2


@pytest.mark.parametrize("linkage", ALL)
@pytest.mark.parametrize("scale", [1e-150, 1e-6, 1e6, 1e150])
def test_scales(linkage, scale):
    X = blobs(100)
    one = AgglomerativeClustering(5, linkage=linkage, compute_distances=True).fit(X)
    other = AgglomerativeClustering(5, linkage=linkage, compute_distances=True).fit(X * scale)
    assert_array_equal(one.labels_, other.labels_)
    assert_allclose(other.distances_, one.distances_ * scale, rtol=1e-7)


@pytest.mark.parametrize("linkage", ALL)
def test_rotation_and_order_change_names_only(linkage):
    X = blobs(200)
    order = np.random.default_rng(0).permutation(len(X))
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((5, 5)))[0]
    one = AgglomerativeClustering(6, linkage=linkage).fit(X)
    other = AgglomerativeClustering(6, linkage=linkage).fit(X[order] @ turn)
    assert adjusted_rand_score(one.labels_[order], other.labels_) == 1


@pytest.mark.parametrize("linkage", ALL)
def test_duplicates_and_ties(linkage):
    """Every tree among ties is right where all merges are at heights that definitions allow."""
    same = AgglomerativeClustering(3, linkage=linkage, compute_distances=True).fit(np.ones((60, 2)))
    assert_array_equal(same.distances_, np.zeros(59))
    assert len(set(same.labels_)) == 3
    X = np.repeat(blobs(50), 4, axis=0)
    ours = AgglomerativeClustering(50, linkage=linkage, compute_distances=True).fit(X)
    assert_array_equal(ours.distances_[:150], np.zeros(150))
    assert adjusted_rand_score(ours.labels_, np.repeat(np.arange(50), 4)) == 1
    grid = np.stack(np.meshgrid(range(12), range(12)), -1).reshape(-1, 2).astype(float)
    ours = AgglomerativeClustering(9, linkage=linkage, compute_distances=True).fit(grid)
    assert len(set(ours.labels_)) == 9
    if linkage not in ("centroid", "median"):
        assert (np.diff(ours.distances_) >= 0).all()


def test_a_chain_that_merges_one_by_one():
    X = np.cumsum(np.linspace(1, 2, 300))[:, None]
    for linkage in ALL:
        ours = AgglomerativeClustering(linkage=linkage, compute_distances=True).fit(X)
        assert_allclose(ours.distances_, hierarchy.linkage(X, linkage)[:, 2], rtol=1e-9)


@pytest.mark.parametrize("linkage", ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_other_numbers(linkage, dtype):
    X = (100 * np.random.default_rng(0).standard_normal((150, 4))).astype(dtype)
    ours = AgglomerativeClustering(5, linkage=linkage, compute_distances=True).fit(X)
    expected = hierarchy.linkage(X.astype(float), linkage)
    assert_allclose(ours.distances_, expected[:, 2], rtol=1e-10)
    strided = AgglomerativeClustering(5, linkage=linkage).fit(np.asfortranarray(X)[::-1][::-1])
    assert_array_equal(strided.labels_, ours.labels_)


@pytest.mark.parametrize("linkage", ALL)
def test_threads_do_not_change_a_bit(linkage):
    X = blobs(3000 if linkage == "ward" else 1200, 6)
    fits = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            fits.append(AgglomerativeClustering(9, linkage=linkage, compute_distances=True).fit(X))
    for fit in fits[1:]:
        assert_array_equal(fit.labels_, fits[0].labels_)
        assert_array_equal(fit.children_, fits[0].children_)
        assert_array_equal(fit.distances_, fits[0].distances_)


def test_bad_input(monkeypatch):
    X = blobs(50)
    for bad in (np.where(X > 5, np.nan, X), np.where(X > 5, np.inf, X)):
        with pytest.raises(ValueError, match="Input X contains"):
            AgglomerativeClustering().fit(bad)
    for parameters, message in (
        ({"n_clusters": 0}, "The 'n_clusters' parameter"),
        ({"n_clusters": 51}, "Cannot extract more clusters than samples"),
        ({"linkage": "nearest"}, "The 'linkage' parameter"),
        ({"metric": "manhattan"}, "Ward can only work with euclidean"),
        ({"metric": "l1", "linkage": "median"}, "Median can only work with euclidean"),
        ({"n_clusters": None}, "Exactly one of n_clusters"),
        ({"distance_threshold": 1.0}, "Exactly one of n_clusters"),
        ({"metric": "precomputed", "linkage": "average"}, "should be square"),
        ({"linkage": "centroid", "connectivity": np.ones((50, 50))}, "takes no connectivity"),
        ({"connectivity": np.ones((3, 3))}, "Wrong shape for connectivity"),
    ):
        with pytest.raises(ValueError, match=message):
            AgglomerativeClustering(**parameters).fit(X)
    with pytest.raises(ValueError, match="compute_full_tree must be True"):
        AgglomerativeClustering(
            n_clusters=None, distance_threshold=1.0, compute_full_tree=False
        ).fit(X)
    with pytest.raises(ValueError, match="zero vectors"):
        AgglomerativeClustering(metric="cosine", linkage="average").fit(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="compute_distances=True"):
        AgglomerativeClustering().fit(X).linkage_matrix()
    monkeypatch.setattr("smelt.cluster.agglomerative_clustering.free_memory", lambda: 10_000)
    with pytest.raises(ValueError, match="the distances of 50 rows need"):
        AgglomerativeClustering(linkage="average").fit(X)
    AgglomerativeClustering().fit(X)  # needs no matrix


def test_clone_pickle_memory_and_fit_predict(tmp_path):
    X = blobs(100)
    model = clone(AgglomerativeClustering(4, memory=str(tmp_path))).fit(X)
    agree(pickle.loads(pickle.dumps(model)), model)
    agree(AgglomerativeClustering(4, memory=str(tmp_path)).fit(X), model)
    assert_array_equal(AgglomerativeClustering(4).fit_predict(X), model.labels_)
