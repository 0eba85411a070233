"""UMAP against its twin and umap-learn."""

import numpy as np
from harness import Workload

import smelt


def clusters(n):
    """Return rows of 50 columns: clusters in five dimensions, turned and with a little noise."""
    rng = np.random.default_rng(0)
    labels = rng.integers(20, size=n)
    inner = 4 * rng.standard_normal((20, 5))[labels] + rng.standard_normal((n, 5))
    X = inner @ rng.standard_normal((5, 50)) + 0.1 * rng.standard_normal((n, 50))
    return {"X": X}


def smelt_fit(d):
    from smelt.manifold import UMAP

    return UMAP(random_state=0).fit_transform(d["X"])


def plain_fit(d):
    with smelt.config(engine="plain"):
        return smelt_fit(d)


def umap_learn_fit(d):
    from umap import UMAP

    return UMAP().fit_transform(d["X"])  # without a seed it uses all threads


def trustworthiness_of(Y, d):
    from smelt.manifold import trustworthiness

    rows = np.random.default_rng(1).choice(len(Y), min(len(Y), 20_000), replace=False)
    return trustworthiness(d["X"][rows], Y[rows])


QUALITY = {"trustworthiness": trustworthiness_of}

WORKLOADS = [
    Workload(
        "umap-500x50",
        data=lambda: clusters(500),
        quality=QUALITY,
        peers={"plain": plain_fit, "smelt": smelt_fit, "umap-learn": umap_learn_fit},
    ),
    Workload(
        "umap-5e4x50",
        data=lambda: clusters(50_000),
        quality=QUALITY,
        peers={"smelt": smelt_fit, "umap-learn": umap_learn_fit},
        twin="umap-500x50",
    ),
]
