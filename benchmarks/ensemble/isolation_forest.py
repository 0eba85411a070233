"""Isolation forests: growing 100 trees and scoring all rows, against the twin and scikit-learn."""

import functools
import importlib

import numpy as np
from harness import Workload, on_the_twin
from sklearn.metrics import roc_auc_score


@functools.cache
def outliers(n_samples=500_000, n_features=20):
    """Clusters in float32, and one row in a hundred spread over the whole box."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, n_features)) + rng.choice([-3.0, 3.0], (n_samples, 1))
    is_outlier = rng.random(n_samples) < 0.01
    X[is_outlier] = rng.uniform(-6.0, 6.0, (int(is_outlier.sum()), n_features))
    return {"X": X.astype("float32"), "is_outlier": is_outlier}


def fit_and_score(module, data, **settings):
    """Grow the trees and score all rows."""
    cls = importlib.import_module(module).IsolationForest
    return cls(random_state=0, **settings).fit(data["X"]).score_samples(data["X"])


ours = functools.partial(fit_and_score, "smelt.ensemble")
theirs = functools.partial(fit_and_score, "sklearn.ensemble", n_jobs=-1)
QUALITY = {"AUC": lambda scores, data: roc_auc_score(data["is_outlier"], -scores)}

WORKLOADS = [
    Workload(
        "isolation-forest-5e5x20", data=outliers, quality=QUALITY,
        twin="isolation-forest-twin-1e3x20", note="100 trees, growing and scoring",
        peers={
            "smelt": ours, "smelt extension_level=1": functools.partial(ours, extension_level=1),
            "scikit-learn": theirs,
        },
    ),
    Workload(
        "isolation-forest-twin-1e3x20", data=lambda: outliers(1000), quality=QUALITY, unit="ms",
        note="10 trees",
        peers={
            "plain": on_the_twin(functools.partial(ours, n_estimators=10)),
            "smelt": functools.partial(ours, n_estimators=10),
            "scikit-learn": functools.partial(theirs, n_estimators=10),
        },
    ),
]  # fmt: skip
