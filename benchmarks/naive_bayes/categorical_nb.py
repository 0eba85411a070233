"""CategoricalNB against its twin and scikit-learn."""

import numpy as np
from harness import Workload
from naive_bayes._text import accuracy, fit_predict


def data():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 5, 300_000)
    X = rng.integers(0, np.arange(2, 22), (len(y), 20))
    X[:, 0] = np.where(rng.random(len(y)) < 0.5, y % 2, X[:, 0])
    return {"X": X, "y": y}


def plain(data):
    import smelt

    small = {"X": data["X"][:20_000], "y": data["y"][:20_000]}
    with smelt.config(engine="plain"):
        return fit_predict("smelt", "CategoricalNB", small)


WORKLOADS = [
    Workload(
        "categorical-nb-3e5x20",
        data=data,
        quality={"accuracy": accuracy},
        peers={
            "plain": plain,
            "smelt": lambda data: fit_predict("smelt", "CategoricalNB", data),
            "scikit-learn": lambda data: fit_predict("sklearn", "CategoricalNB", data),
        },
        note="plain: 20,000 rows",
    )
]
