"""Agglomerative clustering against its twin, scikit-learn and fastcluster."""

import numpy as np
from harness import Workload

import smelt


def blobs(n, d=10):
    from sklearn.datasets import make_blobs

    return make_blobs(n, d, centers=20, random_state=0)[0]


def smelt_fit(d):
    from smelt.cluster import AgglomerativeClustering

    parameters = {"linkage": d["linkage"], "compute_distances": True}
    return AgglomerativeClustering(20, **parameters).fit(d["X"])


def plain_fit(d):
    with smelt.config(engine="plain"):
        return smelt_fit(d)


def scikit_learn_fit(d):
    from sklearn.cluster import AgglomerativeClustering

    parameters = {"linkage": d["linkage"], "compute_distances": True}
    return AgglomerativeClustering(20, **parameters).fit(d["X"])


def fastcluster_vector(d):
    """The faster of its two ways for Ward's linkage."""
    import fastcluster

    return fastcluster.linkage_vector(d["X"], d["linkage"])


def fastcluster_matrix(d):
    import fastcluster

    return fastcluster.linkage(d["X"], d["linkage"])


def last_height(fit, data):
    heights = fit.distances_ if hasattr(fit, "distances_") else np.asarray(fit)[:, 2]
    return float(heights[-1])


def workload(name, n, linkage, peers):
    return Workload(
        name,
        data=lambda: {"X": blobs(n), "linkage": linkage},
        quality={"last height": last_height},
        peers=peers,
        twin="" if "plain" in peers else "agglomerative-ward-500x10",
    )


WORKLOADS = [
    workload(
        "agglomerative-ward-500x10",
        *(500, "ward"),
        {"plain": plain_fit, "smelt": smelt_fit, "scikit-learn": scikit_learn_fit},
    ),
    workload(
        "agglomerative-ward-1e4x10",
        *(10_000, "ward"),
        {
            "smelt": smelt_fit,
            "scikit-learn": scikit_learn_fit,
            "fastcluster": fastcluster_vector,
        },
    ),
    workload(
        "agglomerative-ward-2e4x10",
        *(20_000, "ward"),
        {"smelt": smelt_fit, "fastcluster": fastcluster_vector},
    ),
    workload(
        "agglomerative-average-5e3x10",
        *(5_000, "average"),
        {
            "smelt": smelt_fit,
            "scikit-learn": scikit_learn_fit,
            "fastcluster": fastcluster_matrix,
        },
    ),
]
