"""Agreement of two clusterings against its twin and scikit-learn."""

import importlib

import numpy as np
from harness import Workload

import smelt


def labels(n, k):
    rng = np.random.default_rng(0)
    first = rng.integers(k, size=n)
    return {"first": first, "second": np.where(rng.random(n) < 0.3, rng.integers(k, size=n), first)}


def score(library, name, data):
    return getattr(importlib.import_module(f"{library}.metrics"), name)(
        data["first"], data["second"]
    )


def plain(name, data):
    with smelt.config(engine="plain"):
        return score("smelt", name, data)


def peers(name, with_plain=True):
    """Twin (where it is quick enough), smelt and scikit-learn."""
    found = {
        "plain": lambda data: plain(name, data),
        "smelt": lambda data: score("smelt", name, data),
        "scikit-learn": lambda data: score("sklearn", name, data),
    }
    return found if with_plain else {peer: found[peer] for peer in found if peer != "plain"}


QUALITY = {"score": lambda found, data: found}
ADJUSTED = "adjusted_mutual_info_score"

WORKLOADS = [
    Workload(
        "adjusted-mutual-info-5000-10-clusters",
        data=lambda: labels(5000, 10),
        quality=QUALITY,
        peers=peers(ADJUSTED),
    ),
    Workload(
        "adjusted-mutual-info-1e5-100-clusters",
        data=lambda: labels(100_000, 100),
        quality=QUALITY,
        peers=peers(ADJUSTED, with_plain=False),
        twin="adjusted-mutual-info-5000-10-clusters",
    ),
    Workload(
        "adjusted-rand-1e6-100-clusters",
        data=lambda: labels(1_000_000, 100),
        quality=QUALITY,
        peers=peers("adjusted_rand_score"),
    ),
]
