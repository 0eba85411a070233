"""DBSCAN against its twin, scikit-learn and scikit-learn-intelex."""

import numpy as np
from harness import Workload

import smelt


def clusters(n, d, k, std, side):
    """Return Gaussian clusters, and a fifth of the rows anywhere."""
    rng = np.random.default_rng(0)
    centers = rng.uniform(0, side, (k, d))
    n_noise = n // 5
    X = centers[rng.integers(k, size=n - n_noise)] + std * rng.standard_normal((n - n_noise, d))
    X = np.concatenate([X, rng.uniform(0, side, (n_noise, d))])
    return X[rng.permutation(n)]


def smelt_fit(d):
    from smelt.cluster import DBSCAN

    return DBSCAN(d["eps"], min_samples=d["min_samples"]).fit(d["X"])


def plain_fit(d):
    with smelt.config(engine="plain"):
        return smelt_fit(d)


def scikit_learn_fit(d):
    from sklearn.cluster import DBSCAN

    return DBSCAN(d["eps"], min_samples=d["min_samples"], n_jobs=-1).fit(d["X"])


def intelex_fit(d):
    from sklearnex.cluster import DBSCAN

    return DBSCAN(d["eps"], min_samples=d["min_samples"], n_jobs=-1).fit(d["X"])


def n_clusters(fit, data):
    return float(fit.labels_.max() + 1)


def noise(fit, data):
    """Share of the rows in no cluster."""
    return float((fit.labels_ == -1).mean())


def workload(name, *shape, eps, min_samples, peers):
    return Workload(
        name,
        data=lambda: {"X": clusters(*shape), "eps": eps, "min_samples": min_samples},
        quality={"clusters": n_clusters, "noise": noise},
        peers=peers,
        twin="" if "plain" in peers else "dbscan-5e3x3",
    )


LIBRARIES = {"smelt": smelt_fit, "scikit-learn": scikit_learn_fit}

WORKLOADS = [
    workload(
        "dbscan-5e3x3",
        *(5_000, 3, 20, 0.5, 10.0),
        eps=0.3,
        min_samples=5,
        peers={"plain": plain_fit, **LIBRARIES},
    ),
    workload(
        "dbscan-1e6x3",
        *(1_000_000, 3, 300, 0.3, 20.0),
        eps=0.18,
        min_samples=10,
        peers=LIBRARIES,  # scikit-learn-intelex looks at all pairs: over 150 s
    ),
    workload(
        "dbscan-1e5x10",
        *(100_000, 10, 50, 1.0, 20.0),
        eps=2.5,
        min_samples=10,
        peers={**LIBRARIES, "scikit-learn-intelex": intelex_fit},
    ),
]
