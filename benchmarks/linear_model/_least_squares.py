"""What the benchmarks of least-squares models share: data, peers, workloads."""

import importlib

import numpy as np
from harness import Peer, Workload

SIZES = [
    ("1e6x50", (1_000_000, 50), np.float64),
    ("1e5x500", (100_000, 500), np.float64),
    ("1e6x50-float32", (1_000_000, 50), np.float32),
    ("500x2000", (500, 2000), np.float64),
]


def data(n_samples, n_features, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, n_features), dtype=dtype)
    coef = rng.standard_normal(n_features, dtype=dtype)
    return {"X": X, "y": X @ coef + rng.standard_normal(n_samples, dtype=dtype)}


def fit(library, estimator, data):
    """Fit with the class of that name in ``library.linear_model``."""
    model = getattr(importlib.import_module(f"{library}.linear_model"), estimator)
    return model().fit(data["X"], data["y"])


def fit_plain(estimator, data):
    """Fit with the twin."""
    import smelt

    with smelt.config(engine="plain"):
        return fit("smelt", estimator, data)


def predict_rows(library, estimator):
    """A fitted model and one row, then 2000 calls."""

    def setup(data):
        first = {name: values[:1000] for name, values in data.items()}
        return fit(library, estimator, first), data["X"][:1]

    def run(state):
        model, row = state
        for _ in range(2000):
            model.predict(row)
        return model

    return Peer(run=run, setup=setup)


def workloads(name, estimator, objective):
    """The rows of one estimator: every size, and the prediction of one row."""
    peers = {
        "plain": lambda data: fit_plain(estimator, data),
        "smelt": lambda data: fit("smelt", estimator, data),
        "scikit-learn": lambda data: fit("sklearn", estimator, data),
        "scikit-learn-intelex": lambda data: fit("sklearnex", estimator, data),
    }
    one_row = Workload(
        f"{name}-predict-one-row",
        data=lambda: data(1000, 50),
        quality={"objective": objective},
        peers={
            "smelt": predict_rows("smelt", estimator),
            "scikit-learn": predict_rows("sklearn", estimator),
        },
        per=2000,
        unit="µs",
    )
    return [
        Workload(
            f"{name}-{label}",
            data=lambda size=size, dtype=dtype: data(*size, dtype),
            quality={"objective": objective},
            peers=peers,
        )
        for label, size, dtype in SIZES
    ] + [one_row]
