"""Random trees embedding: 100 trees grown, all rows coded."""

import functools
import importlib

import numpy as np
from harness import Workload, on_the_twin
from sklearn.linear_model import RidgeClassifier


@functools.cache
def rings(n_samples=200_000, n_features=20):
    """Two classes that no plane parts: near the centre and far from it, in float32."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, n_features)).astype("float32")
    return {"X": X, "y": (X[:, :3] ** 2).sum(axis=1) > 2.4}


def fit_transform(module, data, **settings):
    """Grow the trees and code all rows."""
    cls = importlib.import_module(module).RandomTreesEmbedding
    return cls(random_state=0, **settings).fit_transform(data["X"])


def accuracy(code, data):
    """Of a linear model of the code, fitted on some rows and asked about others."""
    half = min(len(data["y"]) // 2, 5000)
    model = RidgeClassifier(alpha=10.0, solver="sag", random_state=0)
    model.fit(code[:half], data["y"][:half])
    return model.score(code[half : 2 * half], data["y"][half : 2 * half])


ours = functools.partial(fit_transform, "smelt.ensemble")
theirs = functools.partial(fit_transform, "sklearn.ensemble", n_jobs=-1)
QUALITY = {"accuracy": accuracy}

WORKLOADS = [
    Workload(
        "random-trees-embedding-2e5x20", data=rings, quality=QUALITY,
        twin="random-trees-embedding-twin-1e3x20", note="100 trees of depth 5, growing and coding",
        peers={"smelt": ours, "scikit-learn": theirs},
    ),
    Workload(
        "random-trees-embedding-twin-1e3x20", data=lambda: rings(1000), quality=QUALITY, unit="ms",
        note="10 trees",
        peers={
            "plain": on_the_twin(functools.partial(ours, n_estimators=10)),
            "smelt": functools.partial(ours, n_estimators=10),
            "scikit-learn": functools.partial(theirs, n_estimators=10),
        },
    ),
]  # fmt: skip
