"""A tree that draws its thresholds, against the twin and scikit-learn."""

from functools import partial

from harness import Workload, on_the_twin
from tree._classes import QUALITY, classes, fit

ours = partial(fit, "smelt.tree", "ExtraTreeClassifier")
theirs = partial(fit, "sklearn.tree", "ExtraTreeClassifier")

WORKLOADS = [
    Workload(
        "extra-tree-1e5x50", data=classes, quality=QUALITY, twin="extra-tree-twin-2e3x20",
        unit="ms", peers={"smelt": ours, "scikit-learn": theirs},
    ),
    Workload(
        "extra-tree-twin-2e3x20", data=lambda: classes(2000, 20), quality=QUALITY, unit="ms",
        peers={"plain": on_the_twin(ours), "smelt": ours, "scikit-learn": theirs},
    ),
]  # fmt: skip
