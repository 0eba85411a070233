"""Trustworthiness against its twin and scikit-learn."""

import numpy as np
from harness import Workload

import smelt


def rows(n):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 50))
    return {"X": X, "picture": X[:, :2] + 0.3 * rng.standard_normal((n, 2))}


def smelt_score(d):
    from smelt.manifold import trustworthiness

    return trustworthiness(d["X"], d["picture"])


def plain_score(d):
    with smelt.config(engine="plain"):
        return smelt_score(d)


def scikit_learn_score(d):
    from sklearn.manifold import trustworthiness

    return trustworthiness(d["X"], d["picture"])


WORKLOADS = [
    Workload(
        "trustworthiness-1e4x50",
        data=lambda: rows(10_000),
        quality={"trustworthiness": lambda score, data: score},
        peers={"plain": plain_score, "smelt": smelt_score, "scikit-learn": scikit_learn_score},
    )
]
