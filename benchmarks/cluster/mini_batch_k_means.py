"""MiniBatchKMeans against its twin and scikit-learn."""

import numpy as np
from cluster.k_means import blobs, inertia
from harness import Workload

import smelt


def smelt_fit(d):
    from smelt.cluster import MiniBatchKMeans

    return MiniBatchKMeans(d["k"], random_state=0).fit(d["X"])


def scikit_learn_fit(d):
    from sklearn.cluster import MiniBatchKMeans

    return MiniBatchKMeans(d["k"], random_state=0).fit(d["X"])


def plain_fit(d):
    with smelt.config(engine="plain"):
        return smelt_fit(d)


WORKLOADS = [
    Workload(
        "mini-batch-k-means-2e4x20",
        data=lambda: blobs(20_000, 20, 20, np.float64),
        quality={"inertia": inertia},
        peers={"plain": plain_fit, "smelt": smelt_fit, "scikit-learn": scikit_learn_fit},
    ),
    Workload(
        "mini-batch-k-means-1e6x20-k100",
        data=lambda: blobs(1_000_000, 20, 100, np.float64),
        quality={"inertia": inertia},
        peers={"smelt": smelt_fit, "scikit-learn": scikit_learn_fit},
        twin="mini-batch-k-means-2e4x20",
    ),
]
