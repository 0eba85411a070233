"""AdaBoost of 100 stumps against the twin and scikit-learn."""

from functools import partial

from harness import Workload, on_the_twin
from tree._classes import QUALITY, classes, fit

ours = partial(fit, "smelt.ensemble", "AdaBoostClassifier")
theirs = partial(fit, "sklearn.ensemble", "AdaBoostClassifier")

WORKLOADS = [
    Workload(
        "ada-boost-2e4x50", data=lambda: classes(20_000, 50, 2), quality=QUALITY,
        twin="ada-boost-twin-5e2x20", note="100 stumps",
        peers={
            "smelt": partial(ours, n_estimators=100),
            "scikit-learn": partial(theirs, n_estimators=100),
        },
    ),
    Workload(
        "ada-boost-twin-5e2x20", data=lambda: classes(500, 20, 2), quality=QUALITY, unit="ms",
        note="5 stumps",
        peers={
            "plain": on_the_twin(partial(ours, n_estimators=5)),
            "smelt": partial(ours, n_estimators=5),
            "scikit-learn": partial(theirs, n_estimators=5),
        },
    ),
]  # fmt: skip
