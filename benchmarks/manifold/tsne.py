"""t-SNE against its twin, openTSNE and scikit-learn; divergences on one and the same P."""

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
    from smelt.manifold import TSNE

    return TSNE(max_iter=750, random_state=0).fit_transform(d["X"])


def plain_fit(d):
    with smelt.config(engine="plain"):
        return smelt_fit(d)


def open_tsne_fit(d):
    from openTSNE import TSNE

    # 250 + 500 steps
    return np.asarray(TSNE(negative_gradient_method="bh", random_state=0, n_jobs=-1).fit(d["X"]))


def scikit_learn_fit(d):
    from sklearn.manifold import TSNE

    return TSNE(max_iter=750, random_state=0).fit_transform(d["X"])


def divergence(Y, d):
    """Divergence from the probabilities of exact neighbours, over all pairs of the embedding."""
    from smelt._kernel import kernel
    from smelt.neighbors import NearestNeighbors

    distances, neighbors = NearestNeighbors(n_neighbors=91).fit(d["X"]).kneighbors()
    P = kernel("manifold.tsne_affinities")(distances**2, neighbors.astype(np.int64), 30.0)
    P = (P["indptr"], P["indices"], P["data"], len(Y))
    return kernel("manifold.tsne_gradient")(P, np.asarray(Y, dtype=np.float64), 0.0)[0]


def trustworthiness_of(Y, d):
    from smelt.manifold import trustworthiness

    return trustworthiness(d["X"], Y)


QUALITY = {"KL": divergence, "trustworthiness": trustworthiness_of}

WORKLOADS = [
    Workload(
        "tsne-300x50",
        data=lambda: clusters(300),
        quality=QUALITY,
        peers={"plain": plain_fit, "smelt": smelt_fit, "scikit-learn": scikit_learn_fit},
    ),
    Workload(
        "tsne-1e4x50",
        data=lambda: clusters(10_000),
        quality=QUALITY,
        peers={"smelt": smelt_fit, "openTSNE": open_tsne_fit, "scikit-learn": scikit_learn_fit},
        twin="tsne-300x50",
    ),
]
