"""Prediction of boosted trees: a million rows, symmetric trees, one row."""

import functools

import numpy as np
from ensemble.hist_gradient_boosting import (
    FITS,
    QUALITY,
    fit_catboost,
    fit_smelt,
    fit_xgboost,
    physics,
)  # fmt: skip
from harness import Peer, Workload, on_the_twin

PEERS = FITS | {"xgboost": fit_xgboost}
TWIN = "boosting-predict-twin-2e3x28"
symmetric = functools.partial(
    fit_smelt, grow_policy="symmetric", max_depth=8, max_leaf_nodes=None
)  # fmt: skip


@functools.cache
def rows(n_samples, n_test):
    """The same in float32, as the peers hold it."""
    data = physics(n_samples, n_test)
    return data | {name: data[name].astype(np.float32) for name in ("X", "X_test")}


def predicting(fit, n_rows, per=1):
    """Fit outside the clock; predict the first rows within it."""

    def run(state):
        model, X = state
        for _ in range(per):
            model.predict_proba(X)
        return model

    return Peer(run=run, setup=lambda data: (fit(data), data["X_test"][:n_rows]))


def peers(n_rows, per=1, **settings):
    fits = {name: functools.partial(fit, **settings) for name, fit in PEERS.items()}
    return {name: predicting(fit, n_rows, per) for name, fit in fits.items()}


WORKLOADS = [
    Workload(
        "boosting-predict-1e6x28", data=lambda: rows(100_000, 1_000_000), quality=QUALITY,
        peers=peers(1_000_000, max_leaf_nodes=255), note="100 trees of 255 leaves", twin=TWIN,
    ),
    Workload(
        "boosting-predict-symmetric-1e6x28", data=lambda: rows(100_000, 1_000_000),
        quality=QUALITY, note="100 trees of depth 8", twin=TWIN,
        peers={
            "smelt": predicting(symmetric, 1_000_000),
            "catboost": predicting(fit_catboost, 1_000_000),
        },
    ),
    Workload(
        "boosting-predict-one-row", data=lambda: rows(2000, 100), peers=peers(1, per=200), per=200,
        unit="µs", note="100 trees of 31 leaves", twin=TWIN,
    ),
    Workload(
        TWIN, data=lambda: rows(2000, 2000), unit="ms", note="100 trees of 31 leaves",
        peers={
            "plain": on_the_twin(predicting(fit_smelt, 2000)),
            "smelt": predicting(fit_smelt, 2000),
        },
    ),
]  # fmt: skip
