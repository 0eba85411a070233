"""Decision trees of unlimited depth against the twin and scikit-learn."""

from functools import partial

from harness import Workload, on_the_twin
from tree._classes import QUALITY, classes, fit

exact = partial(fit, "smelt.tree", "DecisionTreeClassifier")
binned = partial(exact, max_bins=255)
theirs = partial(fit, "sklearn.tree", "DecisionTreeClassifier")

WORKLOADS = [
    Workload(
        "tree-1e5x50", data=classes, quality=QUALITY, twin="tree-twin-2e3x20",
        peers={"smelt": exact, "smelt max_bins=255": binned, "scikit-learn": theirs},
    ),
    Workload(
        "tree-twin-2e3x20", data=lambda: classes(2000, 20), quality=QUALITY, unit="ms",
        peers={"plain": on_the_twin(exact), "smelt": exact, "scikit-learn": theirs},
    ),
]  # fmt: skip
