"""SHAP values of 100 trees of 255 leaves against the twin, shap and LightGBM."""

import functools

import numpy as np
from harness import Peer, Workload, on_the_twin

# fasttreeshap 0.1.6 is no peer: it has no wheel for Python 3.11, and its source wants a NumPy that
# cannot be built any more.


@functools.cache
def rows(n_explained=10_000, n_features=28, n_trees=100, n_leaves=255):
    """Targets of products, squares and sums of normal columns; float32."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60_000, n_features)).astype(np.float32)
    y = X[:, 0] * X[:, 1] + X[:, 2] ** 2 - np.abs(X[:, 3]) + 0.5 * X[:, 4:7].sum(1) * X[:, 7]
    return {
        "X": X, "y": y + rng.normal(size=len(X)), "explained": X[:n_explained],
        "n_trees": n_trees, "n_leaves": n_leaves,
    }  # fmt: skip


def boosted(module, data):
    """A fitted HistGradientBoostingRegressor and the rows to explain."""
    import importlib

    cls = importlib.import_module(module).HistGradientBoostingRegressor
    model = cls(
        max_iter=data["n_trees"], max_leaf_nodes=data["n_leaves"], early_stopping=False,
        random_state=0,
    )  # fmt: skip
    return model.fit(data["X"], data["y"]), data["explained"]


def forest(data):
    """The same with a random forest that takes the rows in bins."""
    from smelt.ensemble import RandomForestRegressor

    model = RandomForestRegressor(
        data["n_trees"], max_leaf_nodes=data["n_leaves"], max_features=0.3, max_bins=255,
        random_state=0,
    )  # fmt: skip
    return model.fit(data["X"], data["y"]), data["explained"]


def by_smelt(state):
    from smelt.inspection import TreeExplainer

    model, X = state
    explained = TreeExplainer(model)
    return explained.expected_value + explained.shap_values(X).sum(axis=1), model.predict(X)


def by_shap(state):
    import shap

    model, X = state
    explained = shap.TreeExplainer(model)
    values = explained.shap_values(X, check_additivity=False)
    return np.squeeze(explained.expected_value) + values.sum(axis=1), model.predict(X)


def lightgbm(data):
    from lightgbm import LGBMRegressor

    model = LGBMRegressor(
        n_estimators=data["n_trees"], num_leaves=data["n_leaves"], n_jobs=-1, verbose=-1
    )
    return model.fit(data["X"], data["y"]), data["explained"]


def by_lightgbm(state):
    model, X = state
    return model.predict(X, pred_contrib=True).sum(axis=1), model.predict(X)


def against_background(state):
    from smelt.inspection import TreeExplainer

    model, X = state
    explained = TreeExplainer(model, X[:100])
    return explained.expected_value + explained.shap_values(X).sum(axis=1), model.predict(X)


def against_background_by_shap(state):
    import shap

    model, X = state
    explained = shap.TreeExplainer(model, X[:100])
    values = explained.shap_values(X, check_additivity=False)
    return np.squeeze(explained.expected_value) + values.sum(axis=1), model.predict(X)


def smelts(data):
    return boosted("smelt.ensemble", data)


def theirs(data):
    return boosted("sklearn.ensemble", data)


QUALITY = {"largest error of the sum": lambda found, data: float(np.abs(found[0] - found[1]).max())}

WORKLOADS = [
    Workload(
        "tree-shap-1e4x28", data=rows, quality=QUALITY, twin="tree-shap-twin-50x8",
        note="100 boosted trees of 255 leaves, path-dependent",
        peers={
            "smelt": Peer(run=by_smelt, setup=smelts),
            "shap": Peer(run=by_shap, setup=theirs),
            "lightgbm": Peer(run=by_lightgbm, setup=lightgbm),
        },
    ),
    Workload(
        "tree-shap-forest-1e4x28", data=rows, quality=QUALITY, twin="tree-shap-twin-50x8",
        note="random forest, 100 trees of 255 leaves, path-dependent",
        peers={"smelt": Peer(run=by_smelt, setup=forest)},
    ),
    Workload(
        "tree-shap-background-1e3x28", data=lambda: rows(1000), quality=QUALITY,
        twin="tree-shap-twin-50x8", note="100 boosted trees of 255 leaves, 100 background rows",
        peers={
            "smelt": Peer(run=against_background, setup=smelts),
            "shap": Peer(run=against_background_by_shap, setup=theirs),
        },
    ),
    Workload(
        "tree-shap-twin-50x8", data=lambda: rows(50, 8, 5, 15), quality=QUALITY, unit="ms",
        note="5 trees of 15 leaves",
        peers={
            "plain": on_the_twin(Peer(run=by_smelt, setup=smelts)),
            "smelt": Peer(run=by_smelt, setup=smelts),
            "lightgbm": Peer(run=by_lightgbm, setup=lightgbm),
        },
    ),
]  # fmt: skip
