"""GaussianMixture against its twin and scikit-learn: ten steps from the same means."""

import importlib
import warnings

import numpy as np
from harness import Workload


def clouds(n, d=20, k=20):
    """Overlapping clouds of any shape, and rows to start from."""
    rng = np.random.default_rng(0)
    shapes = rng.standard_normal((k, d, d)) / np.sqrt(d)
    means = 1.5 * rng.standard_normal((k, d))
    labels = rng.integers(k, size=n)
    X = np.empty((n, d))
    for c in range(k):
        rows = labels == c
        X[rows] = rng.standard_normal((rows.sum(), d)) @ shapes[c] + means[c]
    start = X[rng.choice(n, k, replace=False)]
    eyes = np.broadcast_to(np.eye(d), (k, d, d)).copy()
    return {"X": X, "weights": np.full(k, 1 / k), "means": start, "precisions": eyes}


def fit(library, data, **options):
    Model = importlib.import_module(f"{library}.mixture").GaussianMixture
    k = len(data["means"])
    precisions = data["precisions"]
    if options.get("covariance_type") == "diag":
        precisions = precisions.diagonal(axis1=1, axis2=2)
    model = Model(
        k,
        max_iter=10,
        tol=0,
        weights_init=data["weights"],
        means_init=data["means"],
        precisions_init=precisions,
        **options,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(data["X"])


def plain(data, **options):
    import smelt

    with smelt.config(engine="plain"):
        return fit("smelt", data, **options)


def log_likelihood(model, data):
    return float(model.lower_bound_)


QUALITY = {"log-likelihood": log_likelihood}


def peers(with_plain, **options):
    """Twin (where it is quick enough), smelt and scikit-learn."""
    found = {
        "plain": lambda data: plain(data, **options),
        "smelt": lambda data: fit("smelt", data, **options),
        "scikit-learn": lambda data: fit("sklearn", data, **options),
    }
    return found if with_plain else {name: found[name] for name in found if name != "plain"}


WORKLOADS = [
    Workload(
        "gaussian-mixture-2e4x20",
        data=lambda: clouds(20_000),
        quality=QUALITY,
        peers=peers(with_plain=True),
    ),
    Workload(
        "gaussian-mixture-5e5x20",
        data=lambda: clouds(500_000),
        quality=QUALITY,
        peers=peers(with_plain=False),
        twin="gaussian-mixture-2e4x20",
    ),
    Workload(
        "gaussian-mixture-diag-5e5x20",
        data=lambda: clouds(500_000),
        quality=QUALITY,
        peers=peers(with_plain=False, covariance_type="diag"),
        twin="gaussian-mixture-2e4x20",
    ),
]
