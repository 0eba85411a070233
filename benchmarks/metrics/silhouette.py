"""Silhouette score against its twin and scikit-learn."""

import numpy as np
from harness import Workload

import smelt


def clusters(n):
    rng = np.random.default_rng(0)
    labels = rng.integers(10, size=n)
    X = rng.uniform(-10, 10, (10, 20))[labels] + 3 * rng.standard_normal((n, 20))
    return {"X": X, "labels": labels}


def smelt_score(d):
    from smelt.metrics import silhouette_score

    return silhouette_score(d["X"], d["labels"])


def scikit_learn_score(d):
    from sklearn.metrics import silhouette_score

    return silhouette_score(d["X"], d["labels"])


def plain_score(d):
    with smelt.config(engine="plain"):
        return smelt_score(d)


QUALITY = {"silhouette": lambda score, data: score}

WORKLOADS = [
    Workload(
        "silhouette-2000x20",
        data=lambda: clusters(2000),
        quality=QUALITY,
        peers={"plain": plain_score, "smelt": smelt_score, "scikit-learn": scikit_learn_score},
    ),
    Workload(
        "silhouette-1e5x20",
        data=lambda: clusters(100_000),
        quality=QUALITY,
        peers={"smelt": smelt_score, "scikit-learn": scikit_learn_score},
        twin="silhouette-2000x20",
    ),
]
