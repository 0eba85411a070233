"""Local outlier factors of all rows, against the twin, scikit-learn and scikit-learn-intelex."""

import functools
import importlib

import numpy as np
from harness import Workload, on_the_twin


def data(n_samples, n_features):
    """Groups of different density, in float64."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(-20, 20, (10, n_features))
    widths = rng.uniform(0.1, 3, 10)
    group = rng.integers(0, 10, n_samples)
    noise = rng.standard_normal((n_samples, n_features))
    return {"X": centres[group] + widths[group, None] * noise}


def factors(module, data, **settings):
    """Fit; return the factors."""
    cls = importlib.import_module(module).LocalOutlierFactor
    return cls(n_neighbors=20, **settings).fit(data["X"]).negative_outlier_factor_


ours = functools.partial(factors, "smelt.neighbors")
PEERS = {
    "smelt": ours,
    "scikit-learn": functools.partial(factors, "sklearn.neighbors", n_jobs=-1),
    "scikit-learn-intelex": functools.partial(factors, "sklearnex.neighbors", n_jobs=-1),
}
QUALITY = {"mean factor": lambda factors, data: -float(factors.mean())}

WORKLOADS = [
    Workload(
        "local-outlier-factor-500x5",
        data=lambda: data(500, 5),
        peers={"plain": on_the_twin(ours), **PEERS},
        quality=QUALITY,
        unit="ms",
    ),
    Workload(
        "local-outlier-factor-1e5x5",
        data=lambda: data(100_000, 5),
        peers=PEERS,
        quality=QUALITY,
        twin="local-outlier-factor-500x5",
    ),
    Workload(
        "local-outlier-factor-2e4x50",
        data=lambda: data(20_000, 50),
        peers=PEERS,
        quality=QUALITY,
        twin="local-outlier-factor-500x5",
    ),
]
