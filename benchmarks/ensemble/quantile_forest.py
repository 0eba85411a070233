"""Quantiles out of forests: 100 trees grown, three quantiles predicted, beside quantile-forest."""

import functools

import numpy as np
from harness import Peer, Workload, on_the_twin

QUANTILES = (0.05, 0.5, 0.95)


@functools.cache
def noisy(n_samples=20_000, n_features=10, n_test=20_000):
    """A curve in float32 whose noise grows along the second column."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (n_samples + n_test, n_features)).astype("float32")
    noise = rng.standard_normal(len(X)) * np.exp(X[:, 1])
    y = 3 * np.sin(3 * X[:, 0]) + X[:, 2] * X[:, 3] + noise
    train = slice(n_samples)
    test = slice(n_samples, None)
    return {"X": X[train], "y": y[train], "X_test": X[test], "y_test": y[test]}


SETTINGS = {"min_samples_leaf": 10, "max_features": 0.5, "random_state": 0}


def grown_ours(data, **settings):
    from smelt.ensemble import RandomForestRegressor

    model = RandomForestRegressor(keep_leaf_values=True, **SETTINGS, **settings)
    return model.fit(data["X"], data["y"])


def asked_ours(model, data):
    return model.predict_quantiles(data["X_test"], QUANTILES)


def ours(data, **settings):
    """Grow the trees, keep the targets in the leaves, ask for three quantiles."""
    return asked_ours(grown_ours(data, **settings), data)


def grown_theirs(data, **settings):
    from quantile_forest import RandomForestQuantileRegressor

    model = RandomForestQuantileRegressor(max_samples_leaf=None, n_jobs=-1, **SETTINGS, **settings)
    return model.fit(data["X"], data["y"])


def asked_theirs(model, data):
    return model.predict(data["X_test"], quantiles=list(QUANTILES))


def theirs(data, **settings):
    """The same by quantile-forest, with all rows of the leaves."""
    return asked_theirs(grown_theirs(data, **settings), data)


def pinball(found, data):
    """Mean over the quantiles of the loss that each of them makes least."""
    over, share = data["y_test"][:, None] - found, np.array(QUANTILES)
    return np.maximum(over * share, over * (share - 1)).mean()


def coverage(found, data):
    """Share of the rows between the 5 % and the 95 % quantile."""
    return ((data["y_test"] >= found[:, 0]) & (data["y_test"] <= found[:, 2])).mean()


QUALITY = {"pinball loss": pinball, "coverage of 0.9": coverage}

WORKLOADS = [
    Workload(
        "quantile-forest-2e4x10", data=noisy, quality=QUALITY, twin="quantile-forest-twin-5e2x5",
        note="100 trees, leaves of 10 rows; growing, and three quantiles of 2e4 rows",
        peers={"smelt": ours, "quantile-forest": theirs},
    ),
    Workload(
        "quantile-forest-predict-2e4x10", data=noisy, quality=QUALITY,
        twin="quantile-forest-twin-5e2x5", note="the same, three quantiles of 2e4 rows alone",
        peers={
            "smelt": Peer(
                run=lambda state: asked_ours(*state), setup=lambda data: (grown_ours(data), data)
            ),
            "quantile-forest": Peer(
                run=lambda state: asked_theirs(*state),
                setup=lambda data: (grown_theirs(data), data),
            ),
        },
    ),
    Workload(
        "quantile-forest-twin-5e2x5", data=lambda: noisy(500, 5, 100), quality=QUALITY, unit="ms",
        note="5 trees",
        peers={
            "plain": on_the_twin(functools.partial(ours, n_estimators=5)),
            "smelt": functools.partial(ours, n_estimators=5),
            "quantile-forest": functools.partial(theirs, n_estimators=5),
        },
    ),
]  # fmt: skip
