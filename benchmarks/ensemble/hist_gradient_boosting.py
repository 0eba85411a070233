"""Gradient boosting against its twin, scikit-learn, LightGBM, XGBoost and CatBoost."""

import functools

import numpy as np
from harness import Workload, on_the_twin
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss, roc_auc_score


@functools.cache
def physics(n_samples, n_test=100_000):
    """28 columns: 21 measured, 7 made of products, as in the Higgs data."""
    rng = np.random.default_rng(7)
    X = rng.standard_normal((n_samples + n_test, 28), dtype=np.float32)
    X[:, 21:] = np.abs(X[:, :7] * X[:, 7:14]) + 0.3 * X[:, 21:]
    score = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + 0.5 * X[:, 3] ** 2 - np.abs(X[:, 4]) * X[:, 5]
    score += 0.7 * X[:, 22] - 0.4 * X[:, 8] * X[:, 9] * X[:, 10]
    y = (score + rng.logistic(size=len(X)) > 0.2).astype(int)
    return {
        "X": X[:n_samples], "y": y[:n_samples], "X_test": X[n_samples:], "y_test": y[n_samples:],
        "categories": None,
    }  # fmt: skip


@functools.cache
def categories(n_samples=300_000, n_test=100_000):
    """16 columns, eight of them codes of up to 200 categories; a twentieth is missing."""
    rng = np.random.default_rng(8)
    X = rng.standard_normal((n_samples + n_test, 16))
    score = X[:, 8] * X[:, 9] + np.abs(X[:, 10])
    for j, n_categories in enumerate((2, 5, 10, 20, 40, 80, 150, 200)):
        X[:, j] = rng.integers(0, n_categories, len(X))
        score += rng.standard_normal(n_categories)[X[:, j].astype(int)]
    X[rng.random(X.shape) < 0.05] = np.nan
    y = (score + rng.logistic(size=len(X)) > np.median(score)).astype(int)
    return {
        "X": X[:n_samples], "y": y[:n_samples], "X_test": X[n_samples:], "y_test": y[n_samples:],
        "categories": list(range(8)),
    }  # fmt: skip


@functools.cache
def classes(n_samples, n_features, n_classes, n_test=20_000):
    """Overlapping clusters."""
    X, y = make_classification(
        n_samples + n_test, n_features, n_informative=n_features // 2, n_classes=n_classes,
        flip_y=0.05, random_state=0,
    )  # fmt: skip
    X = X.astype(np.float32)
    return {
        "X": X[:n_samples], "y": y[:n_samples], "X_test": X[n_samples:], "y_test": y[n_samples:],
        "categories": None,
    }  # fmt: skip


def fit_smelt(data, max_iter=100, max_leaf_nodes=31, **extras):
    from smelt.ensemble import HistGradientBoostingClassifier

    return _fit(HistGradientBoostingClassifier, data, max_iter, max_leaf_nodes, **extras)


def fit_scikit_learn(data, max_iter=100, max_leaf_nodes=31):
    from sklearn.ensemble import HistGradientBoostingClassifier

    return _fit(HistGradientBoostingClassifier, data, max_iter, max_leaf_nodes)


def _fit(kind, data, max_iter, max_leaf_nodes, **extras):
    model = kind(
        max_iter=max_iter, max_leaf_nodes=max_leaf_nodes, early_stopping=False,
        categorical_features=data["categories"], random_state=0, **extras,
    )  # fmt: skip
    return model.fit(data["X"], data["y"])


def fit_lightgbm(data, max_iter=100, max_leaf_nodes=31, **extras):
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(
        n_estimators=max_iter, num_leaves=max_leaf_nodes, learning_rate=0.1, min_child_samples=20,
        verbose=-1, **extras,
    )  # fmt: skip
    options = {"categorical_feature": data["categories"]} if data["categories"] else {}
    return model.fit(data["X"], data["y"], **options)


def fit_xgboost(data, max_iter=100, max_leaf_nodes=31):
    from xgboost import XGBClassifier

    model = XGBClassifier(
        n_estimators=max_iter, max_leaves=max_leaf_nodes, max_depth=0, grow_policy="lossguide",
        tree_method="hist", learning_rate=0.1,
    )  # fmt: skip
    return model.fit(data["X"], data["y"])


def fit_catboost(data, max_iter=100, depth=8):
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(
        iterations=max_iter, depth=depth, learning_rate=0.1, verbose=False,
        allow_writing_files=False, random_seed=0,
    )  # fmt: skip
    return model.fit(data["X"], data["y"])


TWIN = "boosting-twin-2e3x28"
FITS = {"smelt": fit_smelt, "scikit-learn": fit_scikit_learn, "lightgbm": fit_lightgbm}
QUANTIZED = {
    "smelt quantized": functools.partial(fit_smelt, quantized_gradients=True),
    "lightgbm quantized": functools.partial(fit_lightgbm, use_quantized_grad=True),
}
ACCURACY = {"accuracy": lambda m, d: float((m.predict(d["X_test"]).ravel() == d["y_test"]).mean())}
QUALITY = {
    "auc": lambda m, d: roc_auc_score(d["y_test"], m.predict_proba(d["X_test"])[:, 1]),
    "log_loss": lambda m, d: log_loss(d["y_test"], m.predict_proba(d["X_test"])),
}


def with_settings(*more, **settings):
    fits = FITS | {name: fit for peers in more for name, fit in peers.items()}
    return {name: functools.partial(fit, **settings) for name, fit in fits.items()}


WORKLOADS = [
    Workload(
        "boosting-3e5x28-255-leaves", data=lambda: physics(300_000), quality=QUALITY,
        peers=with_settings(QUANTIZED, {"xgboost": fit_xgboost}, max_leaf_nodes=255),
        note="100 rounds", twin=TWIN,
    ),
    Workload(
        "boosting-1e6x28-255-leaves", data=lambda: physics(1_000_000), quality=QUALITY,
        peers=with_settings(QUANTIZED, max_leaf_nodes=255), note="100 rounds", twin=TWIN,
    ),
    Workload(
        "boosting-10.5e6x28-255-leaves", data=lambda: physics(10_500_000), quality=QUALITY,
        peers={
            "smelt": functools.partial(fit_smelt, max_leaf_nodes=255),
            "lightgbm": functools.partial(fit_lightgbm, max_leaf_nodes=255),
            **{name: functools.partial(fit, max_leaf_nodes=255) for name, fit in QUANTIZED.items()},
        },
        note="100 rounds", twin=TWIN,
    ),
    Workload(
        "boosting-symmetric-3e5x28", data=lambda: physics(300_000), quality=QUALITY,
        peers={
            "smelt": functools.partial(
                fit_smelt, grow_policy="symmetric", max_depth=8, max_leaf_nodes=None,
            ),
            "catboost": fit_catboost,
        },
        note="100 rounds of depth 8", twin=TWIN,
    ),
    Workload(
        "boosting-10-classes-1e5x50", data=lambda: classes(100_000, 50, 10), quality=ACCURACY,
        peers=with_settings(QUANTIZED), note="100 rounds of 31 leaves", twin=TWIN,
    ),
    Workload(
        "boosting-2e4x20", data=lambda: classes(20_000, 20, 2), quality=QUALITY,
        peers=with_settings(QUANTIZED), note="100 rounds of 31 leaves", twin=TWIN,
    ),
    Workload(
        "boosting-categories-3e5x16", data=categories, quality=QUALITY,
        peers=with_settings(max_leaf_nodes=127), note="100 rounds of 127 leaves",
        twin=TWIN,
    ),
    Workload(
        "boosting-2e3x28", data=lambda: physics(2000), quality=QUALITY, peers=with_settings(),
        unit="ms", note="100 rounds of 31 leaves", twin=TWIN,
    ),
    Workload(
        TWIN, data=lambda: physics(2000), quality=QUALITY,
        peers={
            "plain": on_the_twin(functools.partial(fit_smelt, max_iter=10)),
            "smelt": functools.partial(fit_smelt, max_iter=10),
        },
        unit="ms", note="10 rounds of 31 leaves",
    ),
]  # fmt: skip
