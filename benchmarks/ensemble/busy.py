"""The same fits alone and beside one foreign process that spins: what a shared machine costs."""

import os
import subprocess
import sys
from functools import partial

from ensemble.hist_gradient_boosting import fit_lightgbm, fit_scikit_learn, fit_smelt, physics
from harness import Peer, Workload
from sklearn.metrics import accuracy_score

SPIN = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100_000))"


def beside(fit):
    """Return the fit with a process beside it that computes without a pause."""

    def busy(data):
        other = subprocess.Popen([sys.executable, "-c", SPIN])
        try:
            return fit(data)
        finally:
            other.kill()
            other.wait()

    return busy


def grow(data, library, kind, **settings):
    import importlib

    model = getattr(importlib.import_module(library), kind)(random_state=0, **settings)
    return model.fit(data["X"], data["y"])


def fits(**alone):
    return {
        f"{name}{text}": Peer(run=change(fit))
        for name, fit in alone.items()
        for text, change in (("", lambda fit: fit), (" beside", beside))
    }


def trees(package, kind, **settings):
    of = {"smelt": f"smelt.{package}", "scikit-learn": f"sklearn.{package}"}
    return fits(
        **{name: partial(grow, library=path, kind=kind, **settings) for name, path in of.items()}
    )


def table():
    from tree._classes import classes

    return classes()


QUALITY = {"accuracy": lambda m, d: accuracy_score(d["y_test"], m.predict(d["X_test"]))}
NOTE = "beside: one foreign process spins"

WORKLOADS = [
    Workload(
        "busy-boosting-3e5x28", data=lambda: physics(300_000), quality=QUALITY,
        peers=fits(
            smelt=partial(fit_smelt, max_iter=50), lightgbm=partial(fit_lightgbm, max_iter=50),
            **{"scikit-learn": partial(fit_scikit_learn, max_iter=50)},
        ),
        note=f"50 rounds of 31 leaves; {NOTE}", twin="boosting-twin-2e3x28",
    ),
    Workload(
        "busy-forest-1e5x50", data=table, quality=QUALITY,
        peers=trees(
            "ensemble", "RandomForestClassifier", n_estimators=20, n_jobs=os.cpu_count()
        ),
        note=f"20 trees of unlimited depth; {NOTE}", twin="forest-twin-5e2x20",
    ),
    Workload(
        "busy-tree-1e5x50", data=table, quality=QUALITY,
        peers=trees("tree", "DecisionTreeClassifier"), note=NOTE, twin="tree-twin-2e3x20",
    ),
]  # fmt: skip
