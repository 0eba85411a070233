"""FastICA beside its twin and scikit-learn."""

import importlib

import numpy as np
from harness import Workload


def data():
    rng = np.random.default_rng(0)
    sources = rng.laplace(size=(200_000, 30))
    sources[:, 1::2] = rng.uniform(-1.7, 1.7, (200_000, 15))
    return {"X": sources @ rng.standard_normal((30, 30)), "sources": sources}


def fit(library, data):
    model = importlib.import_module(f"{library}.decomposition").FastICA
    return model(random_state=0).fit(data["X"])


def fit_plain(data):
    import smelt

    with smelt.config(engine="plain"):
        return fit("smelt", data)


def recovered(model, data):
    """Least correlation of a source with what was found for it: the larger the better."""
    rows = slice(0, 20_000)
    found = (data["X"][rows] - model.mean_) @ model.components_.T
    sources = data["sources"][rows]
    off = [found - found.mean(axis=0), sources - sources.mean(axis=0)]
    found, sources = (part / np.linalg.norm(part, axis=0) for part in off)
    return float(np.abs(found.T @ sources).max(axis=0).min())


WORKLOADS = [
    Workload(
        "fast-ica-2e5x30",
        data=data,
        quality={"recovered": recovered},
        peers={
            "plain": fit_plain,
            "smelt": lambda data: fit("smelt", data),
            "scikit-learn": lambda data: fit("sklearn", data),
        },
    )
]
