"""Extremely randomised trees against the twin, scikit-learn and scikit-learn-intelex."""

from functools import partial

from harness import Workload, on_the_twin
from tree._classes import QUALITY, classes, fit

ours = partial(fit, "smelt.ensemble", "ExtraTreesClassifier")
theirs = partial(fit, "sklearn.ensemble", "ExtraTreesClassifier", n_jobs=-1)
intelex = partial(fit, "sklearnex.ensemble", "ExtraTreesClassifier", n_jobs=-1)

WORKLOADS = [
    Workload(
        "extra-trees-1e5x50", data=classes, quality=QUALITY, twin="extra-trees-twin-5e2x20",
        note="100 trees of unlimited depth",
        peers={"smelt": ours, "scikit-learn": theirs, "scikit-learn-intelex": intelex},
    ),
    Workload(
        "extra-trees-twin-5e2x20", data=lambda: classes(500, 20), quality=QUALITY, unit="ms",
        note="5 trees",
        peers={
            "plain": on_the_twin(partial(ours, n_estimators=5)),
            "smelt": partial(ours, n_estimators=5),
            "scikit-learn": partial(theirs, n_estimators=5),
        },
    ),
]  # fmt: skip
