"""IncrementalPCA beside its twin and scikit-learn."""

import importlib

from decomposition.pca import data, explained
from harness import Workload


def fit(library, data):
    model = importlib.import_module(f"{library}.decomposition").IncrementalPCA
    return model(20).fit(data["X"])


def fit_plain(data):
    import smelt

    with smelt.config(engine="plain"):
        return fit("smelt", data)


WORKLOADS = [
    Workload(
        "incremental-pca-5e4x200",
        data=lambda: data(50_000, 200, 20),
        quality={"explained": explained},
        peers={
            "plain": fit_plain,
            "smelt": lambda data: fit("smelt", data),
            "scikit-learn": lambda data: fit("sklearn", data),
        },
    )
]
