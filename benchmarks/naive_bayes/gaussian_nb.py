"""GaussianNB against its twin and scikit-learn: fit and prediction."""

import importlib

import numpy as np
from harness import Peer, Workload


def data(n_samples=1_000_000, dtype=np.float64):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n_samples)
    X = rng.standard_normal((n_samples, 50), dtype=dtype)
    X += 0.2 * y[:, None].astype(dtype)
    return {"X": X, "y": y}


def fit_predict(library, data):
    """The labels of the rows that were learned from."""
    model = importlib.import_module(f"{library}.naive_bayes").GaussianNB()
    return model.fit(data["X"], data["y"]).predict(data["X"])


def plain(data):
    import smelt

    with smelt.config(engine="plain"):
        return fit_predict("smelt", data)


def accuracy(labels, data):
    return float(np.mean(labels == data["y"]))


def one_row(library):
    def setup(data):
        model = importlib.import_module(f"{library}.naive_bayes").GaussianNB()
        return model.fit(data["X"], data["y"]), data["X"][:1]

    def run(state):
        model, row = state
        for _ in range(2000):
            model.predict(row)
        return model

    return Peer(run=run, setup=setup)


PEERS = {
    "plain": plain,
    "smelt": lambda data: fit_predict("smelt", data),
    "scikit-learn": lambda data: fit_predict("sklearn", data),
}

WORKLOADS = [
    Workload("gaussian-nb-1e6x50", data=data, quality={"accuracy": accuracy}, peers=PEERS),
    Workload(
        "gaussian-nb-1e6x50-float32",
        data=lambda: data(dtype=np.float32),
        quality={"accuracy": accuracy},
        peers=PEERS,
    ),
    Workload(
        "gaussian-nb-predict-one-row",
        data=lambda: data(1000),
        peers={"smelt": one_row("smelt"), "scikit-learn": one_row("sklearn")},
        per=2000,
        unit="µs",
    ),
]
