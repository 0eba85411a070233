"""Boosting on columns of categories, many of them large, with the defaults of each library."""

import functools
import os
from pathlib import Path

import numpy as np
from harness import Peer, Workload
from sklearn.metrics import log_loss, roc_auc_score


@functools.cache
def large_categories(n_samples=500_000, n_test=100_000):
    """20 columns of 10 to 10,000 categories, the frequent ones ten times as frequent as the rare.

    Each category adds a number of its own to the log-odds, alike much in columns of few and of
    many categories; two pairs of columns of few meet.  A hundredth of the values is missing.
    """
    import pandas as pd

    rng = np.random.default_rng(5)
    n = n_samples + n_test
    sizes = np.geomspace(10, 10_000, 20).round().astype(int)
    score = np.zeros(n)
    columns, codes = {}, []
    for j, size in enumerate(sizes):
        drawn = (size * rng.random(n) ** 1.5).astype(np.int32)
        score += 0.35 * rng.standard_normal(size)[drawn]
        codes.append(drawn)
        drawn = np.where(rng.random(n) < 0.01, -1, drawn)
        names = [f"{j}-{code}" for code in rng.permutation(size)]
        columns[f"c{j}"] = pd.Categorical.from_codes(drawn, names)
    for first, second in ((0, 2), (1, 3)):
        effect = 0.5 * rng.standard_normal((sizes[first], sizes[second]))
        score += effect[codes[first], codes[second]]
    y = (score + rng.logistic(size=n) > 0.8).astype(int)
    X = pd.DataFrame(columns)
    return {
        "X": X[:n_samples], "y": y[:n_samples],
        "X_test": X[n_samples:].reset_index(drop=True), "y_test": y[n_samples:],
    }  # fmt: skip


@functools.cache
def flights():
    """Arrivals more than a quarter of an hour late, from what is known before; a fifth is test."""
    import pandas as pd
    import polars as pl

    path = Path(os.environ.get("SMELT_DATA", "data")) / "flights/flights.parquet"
    if not path.exists():
        raise FileNotFoundError(f"no {path}: set SMELT_DATA")
    frame = pl.read_parquet(path).filter(pl.col("arr_delay").is_not_null())
    numbers = ("month", "day", "sched_dep_time", "sched_arr_time", "distance")
    columns = {name: frame[name].to_numpy().astype(np.float64) for name in numbers}
    for name in ("carrier", "origin", "dest", "tailnum", "flight"):
        columns[name] = pd.Categorical(frame[name].cast(pl.String).to_list())
    X, y = pd.DataFrame(columns), (frame["arr_delay"] > 15).to_numpy().astype(int)
    test = np.arange(len(y)) % 5 == 0
    return {
        "X": X[~test].reset_index(drop=True), "y": y[~test],
        "X_test": X[test].reset_index(drop=True), "y_test": y[test],
    }  # fmt: skip


def words(X):
    """Return the categories as CatBoost takes them: a missing one is a category too."""
    names = [name for name in X.columns if X[name].dtype == "category"]
    return X.assign(**{name: X[name].cat.add_categories("").fillna("") for name in names}), names


def fit_smelt(data, **settings):
    from smelt.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(random_state=0, **settings).fit(data["X"], data["y"])


def fit_lightgbm(data):
    from lightgbm import LGBMClassifier

    return LGBMClassifier(verbose=-1).fit(data["X"], data["y"])


class FittedCatBoost:
    """Judged on words, too."""

    def __init__(self, model):
        self.model = model

    def predict_proba(self, X):
        return self.model.predict_proba(words(X)[0])


def fit_catboost(state):
    from catboost import CatBoostClassifier

    X, names, y = state
    model = CatBoostClassifier(verbose=False, allow_writing_files=False, random_seed=0)
    return FittedCatBoost(model.fit(X, y, cat_features=names))


QUALITY = {
    "auc": lambda m, d: roc_auc_score(d["y_test"], m.predict_proba(d["X_test"])[:, 1]),
    "log_loss": lambda m, d: log_loss(d["y_test"], m.predict_proba(d["X_test"])),
}
PEERS = {
    "smelt": fit_smelt,
    "lightgbm": fit_lightgbm,
    "catboost": Peer(setup=lambda d: (*words(d["X"]), d["y"]), run=fit_catboost),
}

WORKLOADS = [
    Workload(
        "boosting-20-categories-5e5", data=large_categories, quality=QUALITY, peers=PEERS,
        note="defaults: 100 rounds of 31 leaves, catboost 1,000 of depth 6",
        twin="boosting-twin-2e3x28",
    ),
    Workload(
        "boosting-flights-late", data=flights, quality=QUALITY, peers=PEERS,
        note="defaults: 100 rounds of 31 leaves, catboost 1,000 of depth 6",
        twin="boosting-twin-2e3x28",
    ),
]  # fmt: skip
