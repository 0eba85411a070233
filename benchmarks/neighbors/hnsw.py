"""Approximate neighbours by HNSW: building the graph, and asking it at a recall of 0.98."""

import numpy as np
from harness import Peer, Workload, on_the_twin

#: Links and view of every library's graph.
M, EF_CONSTRUCTION, K, RECALL = 16, 100, 10, 0.98


def data(n_samples, n_features, n_queries=2000, n_latent=16):
    """Rows about a space of 16 dimensions, as embeddings are; exact neighbours of others."""
    rng = np.random.default_rng(0)
    size = (n_samples + n_queries, n_latent)
    rows = rng.standard_normal(size, np.float32) @ rng.standard_normal(
        (n_latent, n_features), np.float32
    )
    rows += 0.5 * rng.standard_normal(rows.shape, np.float32)
    X, queries = rows[:n_samples], rows[n_samples:]
    products = queries @ X.T
    products -= (X**2).sum(axis=1) / 2
    exact = np.argpartition(products, -K, axis=1)[:, -K:]
    return {"X": X, "queries": queries, "exact": exact}


def build_smelt(data, **parameters):
    """Build smelt's graph; return it and what asks it with a given view."""
    from smelt.neighbors import NearestNeighbors

    settings = {"M": M, "ef_construction": EF_CONSTRUCTION} | parameters
    model = NearestNeighbors(n_neighbors=K, algorithm="hnsw", **settings).fit(data["X"])
    return lambda ef: model.set_params(ef=ef).kneighbors(data["queries"])[1]


def build_hnswlib(data):
    """Build hnswlib's graph, on all cores."""
    import hnswlib

    index = hnswlib.Index("l2", data["X"].shape[1])
    index.init_index(len(data["X"]), ef_construction=EF_CONSTRUCTION, M=M)
    index.add_items(data["X"])

    def ask(ef):
        index.set_ef(ef)
        return index.knn_query(data["queries"], k=K)[0]

    return ask


def build_faiss(data):
    """Build faiss's graph, on all cores."""
    import faiss

    index = faiss.IndexHNSWFlat(data["X"].shape[1], M)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    index.add(data["X"])

    def ask(ef):
        index.hnsw.efSearch = ef
        return index.search(data["queries"], K)[1]

    return ask


def recall(ids, data):
    """Share of the exact neighbours that were found."""
    pairs = zip(ids, data["exact"], strict=True)
    return float(np.mean([len(set(found) & set(exact)) / K for found, exact in pairs]))


def recall_of_graph(ask, data):
    """Recall of a graph that is asked with 60 rows in view."""
    return recall(ask(60), data)


def asked(build):
    """Return a peer that asks a graph, with the smallest view that finds enough."""

    def setup(data):
        ask = build(data)
        views = (ef for ef in range(20, 1000, 4) if recall(ask(ef), data) >= RECALL)
        return ask, next(views)

    return Peer(setup=setup, run=lambda state: state[0](state[1]))


LIBRARIES = {"smelt": build_smelt, "hnswlib": build_hnswlib, "faiss": build_faiss}


def small(data):
    """Build a small graph and ask it."""
    return build_smelt(data, ef_construction=20)(20)


def workloads(name, *shape):
    return [
        Workload(
            f"hnsw-build-{name}",
            data=lambda: data(*shape),
            peers=LIBRARIES,
            quality={"recall at ef=60": recall_of_graph},
            twin="hnsw-500x8",
        ),
        Workload(
            f"hnsw-query-{name}",
            data=lambda: data(*shape),
            peers={library: asked(build) for library, build in LIBRARIES.items()},
            quality={"recall": recall},
            per=2000,
            unit="µs",
            twin="hnsw-500x8",
        ),
    ]


WORKLOADS = [
    Workload(
        "hnsw-500x8",
        data=lambda: data(500, 8, 100),
        peers={"plain": on_the_twin(small), "smelt": small},
        quality={"recall": recall},
    ),
    *workloads("5e4x128", 50_000, 128),
    *workloads("5e5x64", 500_000, 64),
]
