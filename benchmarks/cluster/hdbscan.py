"""HDBSCAN against its twin, scikit-learn and fast_hdbscan."""

import numpy as np
from harness import Peer, Workload

import smelt


def clusters(n, d, k=30, side=10.0):
    """Return Gaussian clusters of several densities, and a tenth of the rows anywhere."""
    rng = np.random.default_rng(0)
    centers, spread = rng.uniform(0, side, (k, d)), rng.uniform(0.2, 0.6, k)
    which = rng.integers(k, size=n - n // 10)
    X = centers[which] + spread[which, None] * rng.standard_normal((len(which), d))
    X = np.concatenate([X, rng.uniform(0, side, (n // 10, d))])
    return X[rng.permutation(n)]


def smelt_fit(d):
    from smelt.cluster import HDBSCAN

    return HDBSCAN(d["size"]).fit(d["X"])


def plain_fit(d):
    with smelt.config(engine="plain"):
        return smelt_fit(d)


def scikit_learn_fit(d):
    from sklearn.cluster import HDBSCAN

    return HDBSCAN(d["size"], n_jobs=-1, copy=True).fit(d["X"])


def fast_hdbscan_compiled(d):
    """Compile on a few rows first."""
    import fast_hdbscan

    fast_hdbscan.HDBSCAN(min_cluster_size=d["size"]).fit(d["X"][:2000])
    return d


def fast_hdbscan_fit(d):
    import fast_hdbscan

    return fast_hdbscan.HDBSCAN(min_cluster_size=d["size"]).fit(d["X"])


def n_clusters(fit, data):
    return float(fit.labels_.max() + 1)


def noise(fit, data):
    """Share of the rows in no cluster."""
    return float((fit.labels_ == -1).mean())


def workload(name, n, d, size, peers):
    return Workload(
        name,
        data=lambda: {"X": clusters(n, d), "size": size},
        quality={"clusters": n_clusters, "noise": noise},
        peers=peers,
        twin="" if "plain" in peers else "hdbscan-1e3x5",
    )


LIBRARIES = {
    "smelt": smelt_fit,
    "fast_hdbscan": Peer(setup=fast_hdbscan_compiled, run=fast_hdbscan_fit),
}

WORKLOADS = [
    workload(
        "hdbscan-1e3x5",
        *(1_000, 5, 15),
        {"plain": plain_fit, "smelt": smelt_fit, "scikit-learn": scikit_learn_fit},
    ),
    workload("hdbscan-5e4x5", 50_000, 5, 50, LIBRARIES | {"scikit-learn": scikit_learn_fit}),
    workload("hdbscan-5e4x10", 50_000, 10, 50, LIBRARIES),
]
