"""The mean over all rows within a radius: fit and predict timed together."""

import importlib

import numpy as np
from harness import Workload


def data(n_samples, radius):
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(n_samples, 2))
    y = np.sin(6 * X[:, 0]) + rng.standard_normal(n_samples)
    return {"X": X, "y": y, "radius": radius}


def predict(library, data):
    """Fit, and return the predictions for all rows."""
    model = importlib.import_module(f"{library}.neighbors").RadiusNeighborsRegressor
    return model(radius=data["radius"]).fit(data["X"], data["y"]).predict(data["X"])


def predict_plain(data):
    """Predict by the twin."""
    import smelt

    with smelt.config(engine="plain"):
        return predict("smelt", data)


def error(found, data):
    """Mean squared distance from the truth."""
    return float(np.mean((found - np.sin(6 * data["X"][:, 0])) ** 2))


PEERS = {
    "smelt": lambda data: predict("smelt", data),
    "scikit-learn": lambda data: predict("sklearn", data),
}

WORKLOADS = [
    Workload(
        "radius-neighbors-500x2",
        data=lambda: data(500, 0.2),
        peers={"plain": predict_plain, **PEERS},
        quality={"error": error},
    ),
    Workload(
        "radius-neighbors-1e5x2",
        data=lambda: data(100_000, 0.01),
        peers=PEERS,
        quality={"error": error},
        twin="radius-neighbors-500x2",
    ),
]
