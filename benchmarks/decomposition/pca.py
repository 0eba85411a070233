"""PCA beside its twin, scikit-learn and scikit-learn-intelex."""

import importlib

import numpy as np
from harness import Workload


def data(n_samples, n_features, rank, dtype=np.float64):
    """Falling variances along ``rank`` directions, and noise."""
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((n_samples, rank)) * np.linspace(3, 1, rank)
    X = scores @ rng.standard_normal((rank, n_features))
    X += rng.standard_normal((n_samples, n_features))
    return {"X": X.astype(dtype, copy=False)}


def fit(library, data, **parameters):
    model = importlib.import_module(f"{library}.decomposition").PCA
    return model(**parameters, random_state=0).fit(data["X"])


def fit_plain(data, **parameters):
    import smelt

    with smelt.config(engine="plain"):
        return fit("smelt", data, **parameters)


def explained(model, data):
    """Share of the variance along the components, measured on the data: the larger the better."""
    X = data["X"][:: max(1, len(data["X"]) // 20_000)].astype(np.float64)
    off = X - X.mean(axis=0)
    return float(np.square(off @ model.components_.T).sum() / np.square(off).sum())


def workload(name, shape, rank, dtype, k, covariance_too):
    parameters = {"n_components": k}
    peers = {
        "plain": lambda data: fit_plain(data, **parameters),
        "smelt": lambda data: fit("smelt", data, **parameters),
        "scikit-learn": lambda data: fit("sklearn", data, **parameters),
        "scikit-learn-intelex": lambda data: fit("sklearnex", data, **parameters),
    }
    if covariance_too:
        by_covariance = parameters | {"svd_solver": "covariance_eigh"}
        peers["scikit-learn covariance"] = lambda data: fit("sklearn", data, **by_covariance)
        peers["scikit-learn-intelex covariance"] = lambda data: fit(
            "sklearnex", data, **by_covariance
        )
    return Workload(
        name,
        data=lambda: data(*shape, rank, dtype),
        quality={"explained": explained},
        peers=peers,
    )


WORKLOADS = [
    workload("pca-1e6x50", (1_000_000, 50), 10, np.float64, 10, False),
    workload("pca-1e6x50-float32", (1_000_000, 50), 10, np.float32, 10, False),
    workload("pca-2e4x2000", (20_000, 2000), 50, np.float64, 50, True),
]
