"""Calinski-Harabasz and Davies-Bouldin scores against their twin and scikit-learn."""

import importlib

import numpy as np
from harness import Workload

import smelt


def clusters(n=500_000):
    rng = np.random.default_rng(0)
    labels = rng.integers(20, size=n)
    X = rng.uniform(-10, 10, (20, 20))[labels] + 3 * rng.standard_normal((n, 20))
    return {"X": X, "labels": labels}


def score(library, name, data):
    return getattr(importlib.import_module(f"{library}.metrics"), name)(data["X"], data["labels"])


def plain(name, data):
    with smelt.config(engine="plain"):
        return score("smelt", name, data)


WORKLOADS = [
    Workload(
        f"{name.removesuffix('_score').replace('_', '-')}-5e5x20",
        data=clusters,
        quality={"score": lambda found, data: found},
        peers={
            "plain": lambda data, name=name: plain(name, data),
            "smelt": lambda data, name=name: score("smelt", name, data),
            "scikit-learn": lambda data, name=name: score("sklearn", name, data),
        },
    )
    for name in ("calinski_harabasz_score", "davies_bouldin_score")
]
