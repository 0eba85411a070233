"""KMeans against its twin, scikit-learn, scikit-learn-intelex and faiss."""

import numpy as np
from harness import Peer, Workload

import smelt


def blobs(n, d, k, dtype):
    rng = np.random.default_rng(0)
    centers = rng.uniform(-10, 10, (k, d)).astype(np.float32)
    X = centers[rng.integers(k, size=n)] + 4 * rng.standard_normal((n, d), dtype=np.float32)
    return {"X": np.ascontiguousarray(X, dtype=dtype), "k": k}


def smelt_fit(d, **parameters):
    from smelt.cluster import KMeans

    return KMeans(d["k"], **parameters).fit(d["X"])


def scikit_learn_fit(d, **parameters):
    from sklearn.cluster import KMeans

    return KMeans(d["k"], **parameters).fit(d["X"])


def intelex_fit(d, **parameters):
    from sklearnex.cluster import KMeans

    return KMeans(d["k"], **parameters).fit(d["X"])


def plain_fit(d, **parameters):
    with smelt.config(engine="plain"):
        return smelt_fit(d, **parameters)


def faiss_setup(d):
    import faiss

    X = np.ascontiguousarray(d["X"], dtype=np.float32)
    settings = faiss.ClusteringParameters()
    settings.niter = 20
    settings.min_points_per_centroid = 1
    settings.max_points_per_centroid = len(X)
    return faiss, X, settings, d["k"]


def faiss_run(state):
    faiss, X, settings, k = state
    run = faiss.Clustering(X.shape[1], k, settings)
    faiss.copy_array_to_vector(X[:k].ravel(), run.centroids)
    run.train(X, faiss.IndexFlatL2(X.shape[1]))
    return faiss.vector_to_array(run.centroids).reshape(k, -1)


def inertia(fit, data):
    """Mean squared distance to the nearest centre."""
    from smelt.cluster import KMeans

    centers = fit if isinstance(fit, np.ndarray) else fit.cluster_centers_
    X = data["X"]
    model = KMeans(len(centers), init=centers.astype(X.dtype), max_iter=1).fit(X[: len(centers)])
    model.cluster_centers_ = np.ascontiguousarray(centers, dtype=X.dtype)
    return -model.score(X) / len(X)


def same_start(d):
    return {"init": d["X"][: d["k"]], "n_init": 1, "max_iter": 20, "tol": 0}


def steps(name, n, d, k, dtype, *, plain=True):
    peers = {
        "smelt": lambda data: smelt_fit(data, **same_start(data)),
        "scikit-learn": lambda data: scikit_learn_fit(data, **same_start(data)),
        "scikit-learn-intelex": lambda data: intelex_fit(data, **same_start(data)),
        "faiss": Peer(setup=faiss_setup, run=faiss_run),
    }
    if plain:
        peers = {"plain": lambda data: plain_fit(data, **same_start(data)), **peers}
    return Workload(
        name,
        data=lambda: blobs(n, d, k, dtype),
        quality={"inertia": inertia},
        peers=peers,
        twin="" if plain else "k-means-2e4x20-k20",
        note="20 steps from the first rows; faiss works in float32",
    )


WORKLOADS = [
    steps("k-means-2e4x20-k20", 20_000, 20, 20, np.float64),
    steps("k-means-1e6x20-k100-float32", 1_000_000, 20, 100, np.float32, plain=False),
    steps("k-means-1e6x20-k100-float64", 1_000_000, 20, 100, np.float64, plain=False),
    steps("k-means-1e5x100-k1000-float32", 100_000, 100, 1000, np.float32, plain=False),
    Workload(
        "k-means-pp-1e6x20-k100",
        data=lambda: blobs(1_000_000, 20, 100, np.float64),
        quality={"inertia": inertia},
        peers={
            "smelt": lambda data: smelt_fit(data, random_state=0),
            "scikit-learn": lambda data: scikit_learn_fit(data, random_state=0),
        },
        twin="k-means-2e4x20-k20",
        note="greedy k-means++ and Lloyd's steps to convergence",
    ),
]
