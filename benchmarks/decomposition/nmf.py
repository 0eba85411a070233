"""NMF beside its twin and scikit-learn."""

import importlib
import warnings

import numpy as np
from harness import Workload


def data():
    rng = np.random.default_rng(0)
    parts = rng.gamma(0.5, 1.0, (10_000, 20)) @ rng.gamma(0.3, 1.0, (20, 1000))
    return {"X": parts + 0.5 * rng.random((10_000, 1000))}


def fit(library, data):
    model = importlib.import_module(f"{library}.decomposition").NMF
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model(20, random_state=0).fit(data["X"])


def fit_plain(data):
    import smelt

    with smelt.config(engine="plain"):
        return fit("smelt", data)


def relative_error(model, data):
    """Frobenius norm of what is not reconstructed, over that of X: the smaller the better."""
    return float(model.reconstruction_err_ / np.linalg.norm(data["X"]))


WORKLOADS = [
    Workload(
        "nmf-1e4x1000",
        data=data,
        quality={"relative error": relative_error, "rounds": lambda model, data: model.n_iter_},
        peers={
            "plain": fit_plain,
            "smelt": lambda data: fit("smelt", data),
            "scikit-learn": lambda data: fit("sklearn", data),
        },
    )
]
