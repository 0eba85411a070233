"""The ten nearest neighbours, by trees and by looking at all rows: fit and query together."""

import importlib

import numpy as np
from harness import Workload


def data(n_samples, n_features, n_queries):
    X = np.random.default_rng(0).standard_normal((n_samples, n_features))
    return {"X": X, "queries": X[:n_queries].copy()}


def search(library, data, **parameters):
    """Fit and ask by the class of that name in ``library.neighbors``; return the distances."""
    model = importlib.import_module(f"{library}.neighbors").NearestNeighbors
    return model(n_neighbors=10, **parameters).fit(data["X"]).kneighbors(data["queries"])[0]


def search_plain(data):
    """Ask the twin."""
    import smelt

    with smelt.config(engine="plain"):
        return search("smelt", data)


def search_scipy(data):
    """Ask SciPy's k-d tree on all cores."""
    from scipy.spatial import cKDTree

    return cKDTree(data["X"]).query(data["queries"], 10, workers=-1)[0]


def search_faiss(data):
    """Ask faiss to look at all rows (float32)."""
    import faiss

    index = faiss.IndexFlatL2(data["X"].shape[1])
    index.add(data["X"].astype(np.float32))
    return np.sqrt(np.maximum(index.search(data["queries"].astype(np.float32), 10)[0], 0))


def mean_distance(distances, data):
    """Mean distance of the neighbours: equal for all who are right."""
    return float(distances.mean())


LIBRARIES = {
    "smelt": lambda data: search("smelt", data),
    "scikit-learn": lambda data: search("sklearn", data),
    "scikit-learn-intelex": lambda data: search("sklearnex", data),
}
TREES = {
    **LIBRARIES,
    "scikit-learn-intelex kd_tree": lambda data: search("sklearnex", data, algorithm="kd_tree"),
    "scipy cKDTree": search_scipy,
}


def workload(name, size, peers, twin="neighbors-500x3"):
    return Workload(
        f"neighbors-{name}",
        data=lambda: data(*size),
        peers=peers,
        quality={"mean distance": mean_distance},
        twin=twin,
    )


def in_metric(metric):
    """Peers that look at all rows in another metric (intelex leaves these to scikit-learn)."""
    libraries = {"smelt": "smelt", "scikit-learn": "sklearn"}
    options = {"metric": metric, "algorithm": "brute"}
    return {
        name: lambda data, library=library: search(library, data, **options)
        for name, library in libraries.items()
    }


WORKLOADS = [
    workload("500x3", (500, 3, 500), {"plain": search_plain, **LIBRARIES}, twin=""),
    workload("1e6x3", (1_000_000, 3, 100_000), TREES),
    workload("1e6x3-all", (1_000_000, 3, 1_000_000), TREES),
    workload("1e5x20", (100_000, 20, 20_000), {**TREES, "faiss": search_faiss}),
    workload("5e4x128", (50_000, 128, 10_000), {**LIBRARIES, "faiss": search_faiss}),
    workload("manhattan-2e4x50", (20_000, 50, 2000), in_metric("manhattan")),
    workload("cosine-2e4x50", (20_000, 50, 2000), in_metric("cosine")),
]
