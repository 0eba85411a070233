"""Bagging of deep trees against the twin and scikit-learn."""

from functools import partial

from harness import Workload, on_the_twin
from tree._classes import QUALITY, classes, fit

ours = partial(fit, "smelt.ensemble", "BaggingClassifier")
theirs = partial(fit, "sklearn.ensemble", "BaggingClassifier", n_jobs=-1)

WORKLOADS = [
    Workload(
        "bagging-2e4x20", data=lambda: classes(20_000, 20), quality=QUALITY,
        twin="bagging-twin-5e2x20", note="50 trees of unlimited depth",
        peers={
            "smelt": partial(ours, n_estimators=50),
            "scikit-learn": partial(theirs, n_estimators=50),
        },
    ),
    Workload(
        "bagging-twin-5e2x20", data=lambda: classes(500, 20), quality=QUALITY, unit="ms",
        note="5 trees",
        peers={
            "plain": on_the_twin(partial(ours, n_estimators=5)),
            "smelt": partial(ours, n_estimators=5),
            "scikit-learn": partial(theirs, n_estimators=5),
        },
    ),
]  # fmt: skip
