"""Classification and regression by the ten nearest rows: fit and predict timed together."""

import importlib

import numpy as np
from harness import Workload


def data(n_samples):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, 3))
    return {"X": X, "labels": (X.sum(axis=1) > rng.standard_normal(n_samples)).astype(int)}


def predict(library, data):
    """Fit, and return the shares of a tenth of the rows."""
    model = importlib.import_module(f"{library}.neighbors").KNeighborsClassifier
    fitted = model(n_neighbors=10, weights="distance").fit(data["X"], data["labels"])
    return fitted.predict_proba(data["X"][::10] + 0.01)


def predict_plain(data):
    """Predict by the twin."""
    import smelt

    with smelt.config(engine="plain"):
        return predict("smelt", data)


def accuracy(shares, data):
    """Share of labels that are right."""
    return float((shares.argmax(axis=1) == data["labels"][::10]).mean())


PEERS = {
    "smelt": lambda data: predict("smelt", data),
    "scikit-learn": lambda data: predict("sklearn", data),
    "scikit-learn-intelex": lambda data: predict("sklearnex", data),
}

WORKLOADS = [
    Workload(
        "k-neighbors-2e3x3",
        data=lambda: data(2000),
        peers={"plain": predict_plain, **PEERS},
        quality={"accuracy": accuracy},
    ),
    Workload(
        "k-neighbors-1e6x3",
        data=lambda: data(1_000_000),
        peers=PEERS,
        quality={"accuracy": accuracy},
        twin="k-neighbors-2e3x3",
    ),
]
