"""HDBSCAN: twin, scikit-learn, metrics, selection, odd rows, membership, threads, bad input."""

import gzip
import pickle

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn.cluster
from numpy.testing import assert_allclose, assert_array_equal
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform
from sklearn.base import clone
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import adjusted_rand_score, pairwise_distances

import smelt
from smelt.cluster import HDBSCAN


def blobs(n=600, d=3, seed=0, dtype=np.float64):
    X = make_blobs(n, d, centers=8, cluster_std=0.8, random_state=seed)[0]
    noise = np.random.default_rng(seed).uniform(-12, 12, (n // 5, d))
    return np.concatenate([X, noise]).astype(dtype)


def theirs(X, **parameters):
    return sklearn.cluster.HDBSCAN(copy=True, **parameters).fit(X)


def heights_of(model):
    return np.sort(model.single_linkage_tree_[:, 2])


def check(X, least=0.97, **parameters):
    """Same heights as scikit-learn; labels alike, for of equal lengths several trees are right."""
    ours, other = HDBSCAN(**parameters).fit(X), theirs(X, **parameters)
    assert_allclose(heights_of(ours), np.sort(other._single_linkage_tree_["value"]), rtol=1e-9)
    assert adjusted_rand_score(ours.labels_, other.labels_) >= least
    if least > 0.95:
        assert set(ours.labels_) == set(other.labels_)
    return ours, other


def agree(one, other):
    assert_array_equal(one.labels_, other.labels_)
    assert_array_equal(one.probabilities_, other.probabilities_)
    assert_array_equal(one.single_linkage_tree_, other.single_linkage_tree_)
    for name, values in one.condensed_tree_.items():
        assert_array_equal(values, other.condensed_tree_[name])
    assert_array_equal(one.selected_clusters_, other.selected_clusters_)
    assert_array_equal(one.cluster_persistence_, other.cluster_persistence_)


@pytest.mark.parametrize("d", [1, 2, 3, 10])
@pytest.mark.parametrize("min_samples", [None, 1, 3, 20])
@pytest.mark.parametrize("method", ["eom", "leaf"])
def test_equals_scikit_learn(d, min_samples, method):
    """What splits last hangs on which of equal lengths comes first, so leaves may differ more."""
    parameters = {"min_samples": min_samples, "cluster_selection_method": method}
    check(blobs(d=d), 0.97 if method == "eom" else 0.75, min_cluster_size=12, **parameters)


@pytest.mark.parametrize("d", [2, 5])
@pytest.mark.parametrize("min_samples", [None, 1, 8])
def test_equals_twin(d, min_samples):
    X = blobs(250, d)
    ours = HDBSCAN(10, min_samples).fit(X)
    with smelt.config(engine="plain"):
        plain = HDBSCAN(10, min_samples).fit(X)
    assert_allclose(heights_of(plain), heights_of(ours), rtol=1e-12)
    assert adjusted_rand_score(plain.labels_, ours.labels_) > 0.97


SELECTIONS = [
    {"method": method, "allow_single_cluster": single, "epsilon": epsilon, "max_cluster_size": most}
    for method in ("eom", "leaf")
    for single in (False, True)
    for epsilon in (0.0, 0.7, 2.0, 1e3)
    for most in (None, 60)
]


@pytest.mark.parametrize("seed", range(4))
def test_selection_equals_twin_and_scikit_learn(seed):
    """From one tree both must take the same clusters, and give rows the same numbers."""
    from sklearn.cluster._hdbscan._tree import HIERARCHY_dtype, tree_to_labels

    from smelt import _smelt, plain

    tree = HDBSCAN(5).fit(blobs(300, 2, seed=seed)).single_linkage_tree_
    theirs_tree = np.empty(len(tree), dtype=HIERARCHY_dtype)
    for name, column in zip(HIERARCHY_dtype.names, tree.T, strict=True):
        theirs_tree[name] = column
    children = np.ascontiguousarray(tree[:, :2], dtype=np.int64).ravel()
    heights = np.ascontiguousarray(tree[:, 2])
    for size in (3, 5, 15, 100, 400):
        ours = _smelt.cluster.hdbscan_condense(children, heights, size)
        twin = plain.cluster.hdbscan_condense(children, heights, size)
        arrays = ("parent", "child", "lambda", "size")
        orders = [np.lexsort([tree["child"], tree["parent"]]) for tree in (ours, twin)]
        for name in arrays:
            assert_array_equal(ours[name][orders[0]], twin[name][orders[1]])
        for selection in SELECTIONS:
            found = _smelt.cluster.hdbscan_select(*(ours[name] for name in arrays), **selection)
            again = plain.cluster.hdbscan_select(*(ours[name] for name in arrays), **selection)
            for name in found:
                assert_allclose(found[name], again[name], rtol=1e-9)
            single = selection["allow_single_cluster"]
            chosen = (single, selection["epsilon"], selection["max_cluster_size"])
            try:
                labels, probabilities = tree_to_labels(
                    theirs_tree, size, selection["method"], *chosen
                )
            except TypeError:  # scikit-learn's search above epsilon stumbles over newer NumPy
                assert selection["epsilon"] > 0
                continue
            assert_array_equal(found["labels"], labels)
            assert_allclose(found["probabilities"], probabilities, rtol=1e-12)


@pytest.mark.parametrize("metric", ["manhattan", "l1", "chebyshev", "infinity", "l2", "minkowski"])
@pytest.mark.parametrize("algorithm", ["auto", "kd_tree", "ball_tree"])
def test_metrics_and_trees(metric, algorithm):
    params = {"p": 3} if metric == "minkowski" else None
    if metric in ("l1", "l2", "infinity") and algorithm == "ball_tree":
        algorithm = "kd_tree"
    check(
        blobs(300),
        0.9,
        min_cluster_size=10,
        metric=metric,
        metric_params=params,
        algorithm=algorithm,
    )


def test_what_scikit_learn_answers():
    X = np.abs(blobs(200, 4))
    for parameters in (
        {"metric": "cosine"},
        {"metric": "canberra"},
        {"metric": lambda a, b: np.abs(a - b).max()},
    ):
        check(X, 0.9, **parameters)
    ours, _ = check(pairwise_distances(X), 0.9, metric="precomputed")
    with pytest.raises(ValueError, match="soft membership needs rows"):
        ours.all_points_membership_vectors(X)
    check(sp.csr_array(X), 0.9)
    D = pairwise_distances(X)
    kept = D.copy()
    HDBSCAN(metric="precomputed").fit(D)
    assert_array_equal(D, kept)
    graph = sp.csr_array(D)
    ours = HDBSCAN(metric="precomputed", copy=True).fit(graph)
    assert adjusted_rand_score(ours.labels_, theirs(graph, metric="precomputed").labels_) > 0.9


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_alpha(alpha, metric):
    check(blobs(400), 0.9, min_cluster_size=10, alpha=alpha, metric=metric)


def test_single_linkage_of_mutual_reachability():
    X = blobs(200)
    D = pairwise_distances(X)
    core = np.sort(D, axis=1)[:, 6]
    R = np.maximum(np.maximum(core, core[:, None]), D)
    np.fill_diagonal(R, 0)
    expected = hierarchy.linkage(squareform(R, checks=False), "single")[:, 2]
    assert_allclose(heights_of(HDBSCAN(5, 7).fit(X)), expected, rtol=1e-12)


def test_shapes_of_any_kind():
    X, moon = make_moons(2000, noise=0.05, random_state=0)
    ours, _ = check(X, min_cluster_size=50)
    assert adjusted_rand_score(moon, ours.labels_) > 0.9


@pytest.mark.parametrize("d", [2, 6])
def test_duplicates_and_ties(d):
    X = np.repeat(blobs(60, d), 10, axis=0)
    check(X, 0.9, min_cluster_size=15)
    grid = np.random.default_rng(d).integers(0, 4, (500, d)).astype(float)
    check(grid, -1.0, min_cluster_size=5)
    same = HDBSCAN().fit(np.ones((40, d)))
    assert_array_equal(same.single_linkage_tree_[:, 2], np.zeros(39))
    assert set(same.labels_) == {-1}
    one = HDBSCAN(allow_single_cluster=True).fit(np.ones((40, d)))
    assert set(one.labels_) == {0}
    assert_array_equal(one.probabilities_, np.ones(40))


def test_rows_with_nan_and_infinity():
    X = blobs(300)
    X[5, 0], X[17, 1], X[200, 2], X[201, 0], X[201, 1] = np.nan, np.inf, -np.inf, np.inf, np.nan
    ours = HDBSCAN(10, store_centers="centroid").fit(X)
    other = theirs(X, min_cluster_size=10)
    assert_array_equal(ours.labels_ == -3, other.labels_ == -3)
    assert_array_equal(ours.labels_ == -2, other.labels_ == -2)
    assert_array_equal(np.isnan(ours.probabilities_), np.isnan(other.probabilities_))
    assert adjusted_rand_score(ours.labels_, other.labels_) > 0.97
    finite = np.isfinite(X).all(axis=1)
    agree_rows = HDBSCAN(10).fit(X[finite])
    assert_array_equal(ours.labels_[finite], agree_rows.labels_)
    assert_array_equal(ours.dbscan_clustering(0.9)[finite], agree_rows.dbscan_clustering(0.9))
    assert not ours.all_points_membership_vectors(X)[~finite].any()


def test_centers_and_cuts():
    X = blobs(300)
    ours, other = check(X, min_cluster_size=15, store_centers="both")
    order = np.lexsort(other.centroids_.T), np.lexsort(ours.centroids_.T)
    assert_allclose(ours.centroids_[order[1]], other.centroids_[order[0]], rtol=0.05, atol=0.05)
    for cluster, medoid in enumerate(ours.medoids_):
        rows = X[ours.labels_ == cluster]
        sums = pairwise_distances(rows) @ ours.probabilities_[ours.labels_ == cluster]
        assert_array_equal(medoid, rows[np.argmin(sums)])
    for cut in (0.3, 0.9, 2.0):
        one, two = ours.dbscan_clustering(cut, 8), other.dbscan_clustering(cut, 8)
        assert adjusted_rand_score(one, two) == 1
        assert_array_equal(one == -1, two == -1)


def by_definition(model, X):
    """Soft membership, one row and one cluster at a time, as the hdbscan package has it."""
    tree, clusters = model.condensed_tree_, model.selected_clusters_
    n = tree["parent"].min()
    entry = {c: i for i, c in enumerate(tree["child"])}
    most = {p: tree["lambda"][tree["parent"] == p].max() for p in set(tree["parent"])}

    def leaves(cluster):
        parts = tree["child"][(tree["parent"] == cluster) & (tree["child"] > n)]
        return [leaf for part in parts for leaf in leaves(part)] if len(parts) else [cluster]

    near = []
    for cluster in clusters:
        rows = [
            row
            for leaf in leaves(cluster)
            for row in tree["child"][(tree["parent"] == leaf) & (tree["lambda"] == most[leaf])]
        ]
        near.append(X[rows])
    out = np.zeros((len(X), len(clusters)))
    for row in range(len(X)):
        node, rate = tree["parent"][entry[row]], tree["lambda"][entry[row]]
        heights = []
        for cluster in clusters:
            left, right, moved = node, cluster, set()
            while left != right:
                if left > right:
                    last, left = left, tree["parent"][entry[left]]
                    moved.add("left")
                else:
                    last, right = right, tree["parent"][entry[right]]
                    moved.add("right")
            heights.append(tree["lambda"][entry[last]] if len(moved) == 2 else rate)
        heights = np.array(heights)
        distance = np.array([np.sqrt(((X[row] - rows) ** 2).sum(1)).min() for rows in near])
        closeness = np.where(distance > 0, 1 / np.maximum(distance, 1e-300), 1e300)
        score = (most[node] + 1e-8) / (most[node] + 1e-8 - heights)
        score = np.exp(score - score.max())
        shares = closeness / closeness.sum() * score / score.sum()
        inside = heights.max() / max(most[clusters[heights.argmax()]], rate)
        out[row] = shares / shares.sum() * inside
    return out


def test_soft_membership():
    X = blobs(250, 2)
    model = HDBSCAN(12).fit(X)
    soft = model.all_points_membership_vectors(X)
    assert soft.shape == (len(X), model.labels_.max() + 1)
    assert_allclose(soft, by_definition(model, X), rtol=1e-6, atol=1e-12)
    sure = model.probabilities_ > 0.5
    assert_array_equal(soft[sure].argmax(axis=1), model.labels_[sure])
    assert (soft.sum(axis=1) <= 1 + 1e-9).all()
    for cluster, rows in enumerate(model.exemplars()):
        assert (model.labels_[rows] == cluster).all()
        assert_array_equal(model.probabilities_[rows], np.ones(len(rows)))
    with pytest.raises(ValueError, match="fitted to 300 rows"):
        model.all_points_membership_vectors(X[:5])


def test_chameleon(data_folder):
    """Shapes that k-means cannot find, among noise (Karypis, Han and Kumar, 1999)."""
    with gzip.open(data_folder / "chameleon" / "ds4.csv.gz") as file:
        X = pl.read_csv(file.read()).select(pl.col(pl.Float64, pl.Int64)).to_numpy()[:, :2]
    ours, _ = check(X.astype(float), 0.97, min_cluster_size=60, min_samples=10)
    assert ours.labels_.max() >= 5


@pytest.mark.parametrize("scale", [1e-100, 1e-6, 1e6, 1e100])
def test_scales(scale):
    X = blobs(300)
    one, other = HDBSCAN(10).fit(X), HDBSCAN(10).fit(X * scale)
    assert_allclose(heights_of(other), heights_of(one) * scale, rtol=1e-9)
    assert adjusted_rand_score(one.labels_, other.labels_) > 0.97


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_other_numbers(dtype):
    X = (20 * blobs(300)).astype(dtype)
    check(X, 0.9, min_cluster_size=10)
    strided = HDBSCAN(10).fit(np.asfortranarray(X)[::-1][::-1])
    agree(strided, HDBSCAN(10).fit(X.astype(float)))


@pytest.mark.parametrize("d", [2, 8])
def test_threads_do_not_change_a_bit(d):
    X = np.round(blobs(6000, d), 2)
    fits = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            fits.append(HDBSCAN(20).fit(X))
    fits.append(HDBSCAN(20, n_jobs=2).fit(X))
    for fit in fits[1:]:
        agree(fit, fits[0])
    assert fits[0].labels_.max() > 3


def test_bad_input(monkeypatch):
    X = blobs(50)
    for parameters, message in (
        ({"min_cluster_size": 1}, "The 'min_cluster_size' parameter"),
        ({"min_samples": 0}, "The 'min_samples' parameter"),
        ({"min_samples": 61}, "must be at most the number of samples"),
        ({"alpha": 0.0}, "The 'alpha' parameter"),
        ({"metric": "nonsense"}, "The 'metric' parameter"),
        ({"metric": "cosine", "algorithm": "kd_tree"}, "not a valid metric for a KDTree"),
        ({"metric": "cosine", "algorithm": "ball_tree"}, "not a valid metric for a BallTree"),
        ({"metric": "precomputed", "store_centers": "both"}, "Cannot store centers"),
        ({"metric": "precomputed"}, "expected to be symmetric"),
    ):
        with pytest.raises(ValueError, match=message):
            HDBSCAN(**parameters).fit(X)
    with pytest.raises(ValueError, match="n_samples=1"):
        HDBSCAN().fit(X[:1])
    with pytest.raises(ValueError, match=r"np\.nan values found"):
        HDBSCAN(metric="precomputed").fit(np.full((9, 9), np.nan))
    with pytest.raises(ValueError, match="only support algorithm"):
        HDBSCAN(algorithm="kd_tree").fit(sp.csr_array(X))
    monkeypatch.setattr("smelt.cluster.hdbscan.free_memory", lambda: 10_000)
    with pytest.raises(ValueError, match="the distances of 60 rows need"):
        HDBSCAN(metric="cosine").fit(X)
    HDBSCAN().fit(X)  # needs no matrix


def test_few_rows_and_copies():
    for n in (2, 3, 6):
        X = blobs(n)[:n]
        assert_array_equal(
            HDBSCAN(2, 1).fit(X).labels_, theirs(X, min_cluster_size=2, min_samples=1).labels_
        )
    X = blobs(200)
    model = clone(HDBSCAN(10)).fit(X)
    agree(pickle.loads(pickle.dumps(model)), model)
    assert_array_equal(HDBSCAN(10).fit_predict(X), model.labels_)
