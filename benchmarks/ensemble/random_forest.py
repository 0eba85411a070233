"""Random forests of 100 deep trees against the twin, scikit-learn and scikit-learn-intelex."""

from functools import partial

from harness import Peer, Workload, on_the_twin
from tree._classes import QUALITY, classes, fit

ours = partial(fit, "smelt.ensemble", "RandomForestClassifier")
exact = partial(ours, max_bins=None)
theirs = partial(fit, "sklearn.ensemble", "RandomForestClassifier", n_jobs=-1)
intelex = partial(fit, "sklearnex.ensemble", "RandomForestClassifier", n_jobs=-1)


def predicting(forest):
    """Fit outside the clock; predict the test rows within it."""

    def run(state):
        model, X = state
        model.predict(X)
        return model

    return Peer(run=run, setup=lambda data: (forest(data), data["X_test"]))


WORKLOADS = [
    Workload(
        "forest-1e5x50", data=classes, quality=QUALITY, twin="forest-twin-5e2x20",
        note="100 trees of unlimited depth",
        peers={
            "smelt": ours, "smelt max_bins=None": exact, "scikit-learn": theirs,
            "scikit-learn-intelex": intelex,
        },
    ),
    Workload(
        "forest-predict-1e6x28", data=lambda: classes(50_000, 28, n_test=1_000_000),
        quality=QUALITY, twin="forest-twin-5e2x20", note="100 trees grown on 5e4 rows",
        peers={
            "smelt": predicting(ours), "scikit-learn": predicting(theirs),
            "scikit-learn-intelex": predicting(intelex),
        },
    ),
    Workload(
        "forest-twin-5e2x20", data=lambda: classes(500, 20), quality=QUALITY, unit="ms",
        note="5 trees",
        peers={
            "plain": on_the_twin(partial(ours, n_estimators=5)),
            "smelt": partial(ours, n_estimators=5),
            "scikit-learn": partial(theirs, n_estimators=5),
        },
    ),
]  # fmt: skip
