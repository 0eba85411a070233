"""Manifests for tests of the report, with figures of real models of scikit-learn on real data."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    mean_absolute_error,
    precision_recall_curve,
    r2_score,
    roc_auc_score,
    roc_curve,
    root_mean_squared_error,
)  # fmt: skip
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SHA = "9f2c" * 16


def manifest(task: str) -> dict[str, Any]:
    """Return a manifest that a test may change."""
    return copy.deepcopy(_MAKERS[task]())


def _thin(values: Any, n: int = 201) -> list[float]:
    values = np.asarray(values, dtype=float)
    keep = np.unique(np.linspace(0, len(values) - 1, min(n, len(values))).round().astype(int))
    return values[keep].round(6).tolist()


def _interval(measure: Any, truth: Any, said: Any) -> dict[str, float]:
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(100):
        rows = rng.integers(0, len(truth), len(truth))
        draws.append(measure(truth[rows], said[rows]))
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"value": float(measure(truth, said)), "low": float(low), "high": float(high)}


def _profile(names: Any, X: Any) -> list[dict[str, Any]]:
    columns = []
    for name, x in zip(names, X.T, strict=True):
        edges = np.quantile(x, np.linspace(0, 1, 65))
        columns.append(
            {"name": str(name), "role": "number", "n_missing": 0, "n_invalid": 0,
             "n_unique": len(np.unique(x)), "mean": float(x.mean()), "std": float(x.std()),
             "min": float(x.min()), "max": float(x.max()), "edges": edges.tolist(),
             "counts": np.histogram(x, edges)[0].tolist()}
        )  # fmt: skip
    return columns


def _importance(model: Any, names: Any, X: Any, y: Any, metric: Any) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    before, rows = metric(model, X, y), []
    for i, name in enumerate(names):
        falls = []
        for _ in range(3):
            shuffled = X.copy()
            shuffled[:, i] = rng.permutation(shuffled[:, i])
            falls.append(before - metric(model, shuffled, y))
        rows.append({"column": str(name), "mean": float(np.mean(falls)), "low": min(falls),
                     "high": max(falls)})  # fmt: skip
    return sorted(rows, key=lambda row: -row["mean"])


def _frame(task: str, target: str, names: Any, X: Any, **parts: Any) -> dict[str, Any]:
    training = {
        "command": f"smelt train data.csv --target {target}",
        "seed": 0,
        "rows": {"total": len(X), "used": len(X), "dropped_target": 0, "train": 0, "test": 0},
        "columns": {"total": X.shape[1], "used": X.shape[1]},
        "data_sha256": SHA,
        "versions": {"smelt": "0.1.0", "python": "3.11.7", "numpy": "2.4.0"},
        "split": {"kind": "stratified_k_fold", "folds": 5, "test_share": 0.2},
        "budget": {"seconds": None, "reached": False},
        "warnings": [],
        **parts.pop("training"),
    }
    return {
        "format": 1,
        "kind": "pipeline",
        "smelt": "0.1.0",
        "created": "2026-11-22T15:00:00Z",
        "task": task,
        "target": target,
        "inputs": [
            {"name": str(name), "role": "number", "range": [float(x.min()), float(x.max())],
             "required": True}
            for name, x in zip(names, X.T, strict=True)
        ],
        "graph": {"nodes": [], "output": "probability", "threshold": parts.pop("threshold", None)},
        "training": training,
        "profile": {"columns": _profile(names, X), "target": parts.pop("target_profile")},
        "selftest": {"rows": []},
        **parts,
    }  # fmt: skip


def _board(metric: str, best: float) -> list[dict[str, Any]]:
    step = 0.01 if metric in ("log_loss", "rmse") else -0.01
    rows = [("boosting-1", "gradient boosting", 0.62), ("linear-1", "linear", 0.38),
            ("boosting-2", "gradient boosting", 0.0), ("linear-2", "linear", 0.0)]  # fmt: skip
    return [
        {"name": name, "family": family, "params": {"learning_rate": 0.1, "max_leaf_nodes": 31},
         "score": best * (1 + i * step), "score_std": abs(best) * 0.008,
         "test_score": best * (1 + i * step), "weight": weight, "n_features": 30}
        for i, (name, family, weight) in enumerate(rows)
    ]  # fmt: skip


@cache
def _binary() -> dict[str, Any]:
    data = datasets.load_breast_cancer()
    X = data.data + np.random.default_rng(3).normal(0, 1.2, data.data.shape) * data.data.std(axis=0)
    y = 1 - data.target
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1)).fit(X_train, y_train)
    p = model.predict_proba(X_test)[:, 1]
    fpr, tpr, _ = roc_curve(y_test, p)
    precision, recall, _ = precision_recall_curve(y_test, p)
    groups = np.array_split(np.argsort(p), 10)
    edges = np.linspace(0, 1, 21)
    thresholds = []
    for t in np.linspace(0, 1, 201):
        tn, fp, fn, tp = confusion_matrix(y_test, p >= t, labels=[0, 1]).ravel().tolist()
        thresholds.append({"threshold": round(float(t), 3), "tp": tp, "fp": fp, "tn": tn, "fn": fn})
    share = float(y_test.mean())
    test = {
        "auc": _interval(roc_auc_score, y_test, p),
        "log_loss": _interval(lambda t, s: log_loss(t, s, labels=[0, 1]), y_test, p),
        "accuracy": _interval(lambda t, s: accuracy_score(t, s >= 0.4), y_test, p),
        "f1": _interval(lambda t, s: f1_score(t, s >= 0.4), y_test, p),
        "brier": _interval(lambda t, s: float(((t - s) ** 2).mean()), y_test, p),
    }
    folds = {name: {"value": entry["value"], "std": 0.012} for name, entry in test.items()}
    names = data.feature_names

    def score(model: Any, X: Any, y: Any) -> float:
        return float(roc_auc_score(y, model.predict_proba(X)[:, 1]))

    made = _frame(
        "binary", "diagnosis", names, X, threshold=0.4, classes=["benign", "malignant"],
        target_profile={"name": "diagnosis", "role": "category", "n_missing": 0, "n_invalid": 0,
                        "n_unique": 2, "categories": [["benign", 357], ["malignant", 212]]},
        training={
            "metric": "auc",
            "baseline": {"name": "always the most frequent class",
                         "metrics": {"auc": 0.5, "accuracy": 1 - share, "f1": 0.0,
                                     "log_loss": 0.66, "brier": share * (1 - share)}},
            "metrics": {"test": test, "cross_validation": folds},
            "leaderboard": _board("auc", test["auc"]["value"]),
            "curves": {
                "roc": {"fpr": _thin(fpr), "tpr": _thin(tpr)},
                "precision_recall": {"precision": _thin(precision[::-1]),
                                     "recall": _thin(recall[::-1])},
                "calibration": {"predicted": [float(p[g].mean()) for g in groups],
                                "observed": [float(y_test[g].mean()) for g in groups],
                                "count": [len(g) for g in groups]},
                "score_histogram": {"edges": edges.tolist(), "counts_by_class": [
                    np.histogram(p[y_test == k], edges)[0].tolist() for k in (0, 1)]},
                "thresholds": thresholds,
                "confusion": confusion_matrix(y_test, p >= 0.4).tolist(),
            },
            "importance": _importance(model, names, X_test, y_test, score),
        },
    )  # fmt: skip
    made["training"]["rows"] |= {"train": len(y_train), "test": len(y_test)}
    return made


@cache
def _multiclass() -> dict[str, Any]:
    data = datasets.load_wine()
    rng = np.random.default_rng(1)
    X = data.data + rng.normal(0, 0.8, data.data.shape) * data.data.std(axis=0)
    X_train, X_test, y_train, y_test = train_test_split(
        X, data.target, test_size=0.5, random_state=0
    )
    model = HistGradientBoostingClassifier(max_iter=40).fit(X_train, y_train)
    p = model.predict_proba(X_test)
    top, right = p.max(axis=1), (p.argmax(axis=1) == y_test).astype(int)
    groups = np.array_split(np.argsort(top), 6)
    test = {
        "log_loss": _interval(lambda t, s: log_loss(t, s, labels=[0, 1, 2]), y_test, p),
        "accuracy": _interval(lambda t, s: accuracy_score(t, s.argmax(1)), y_test, p),
        "f1_macro": _interval(lambda t, s: f1_score(t, s.argmax(1), average="macro"), y_test, p),
    }
    names = data.feature_names

    def score(model: Any, X: Any, y: Any) -> float:
        return -float(log_loss(y, model.predict_proba(X)))

    made = _frame(
        "multiclass", "cultivar", names, X, classes=["Barolo", "Grignolino", "Barbera"],
        target_profile={"name": "cultivar", "role": "category", "n_missing": 0, "n_invalid": 0,
                        "n_unique": 3,
                        "categories": [["Grignolino", 71], ["Barolo", 59], ["Barbera", 48]]},
        training={
            "metric": "log_loss",
            "baseline": {"name": "always the most frequent class",
                         "metrics": {"log_loss": 1.09, "accuracy": 0.4, "f1_macro": 0.19}},
            "metrics": {"test": test, "cross_validation": {}},
            "leaderboard": _board("log_loss", test["log_loss"]["value"]),
            "curves": {"confusion": confusion_matrix(y_test, p.argmax(1)).tolist(),
                       "calibration": {"predicted": [float(top[g].mean()) for g in groups],
                                       "observed": [float(right[g].mean()) for g in groups],
                                       "count": [len(g) for g in groups]}},
            "importance": _importance(model, names, X_test, y_test, score),
        },
    )  # fmt: skip
    made["training"]["rows"] |= {"train": len(y_train), "test": len(y_test)}
    return made


@cache
def _regression() -> dict[str, Any]:
    data = datasets.load_diabetes(scaled=False)
    X, y = data.data, data.target
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
    linear = make_pipeline(StandardScaler(), RidgeCV()).fit(X_train, y_train)
    trees = HistGradientBoostingRegressor(max_iter=40).fit(X_train, y_train)
    said = (linear.predict(X_test) + trees.predict(X_test)) / 2
    mean = np.full_like(y_test, y_train.mean())
    measures = {"rmse": root_mean_squared_error, "mae": mean_absolute_error, "r2": r2_score}
    test = {name: _interval(measure, y_test, said) for name, measure in measures.items()}
    folds = {name: {"value": entry["value"] * 1.02, "std": 1.5} for name, entry in test.items()}

    def score(model: Any, X: Any, y: Any) -> float:
        return -float(root_mean_squared_error(y, model.predict(X)))

    target = _profile(["progression"], y[:, None])[0]
    made = _frame(
        "regression", "progression", data.feature_names, X, target_profile=target,
        training={
            "metric": "rmse",
            "baseline": {"name": "always the mean",
                         "metrics": {name: float(m(y_test, mean)) for name, m in measures.items()}},
            "metrics": {"test": test, "cross_validation": folds},
            "leaderboard": _board("rmse", test["rmse"]["value"]),
            "curves": {"residuals": {"predicted": _thin(said, 1000),
                                     "residual": _thin(y_test - said, 1000)},
                       "predicted_vs_actual": {"predicted": _thin(said, 1000),
                                               "actual": _thin(y_test, 1000)}},
            "importance": _importance(linear, data.feature_names, X_test, y_test, score),
        },
    )  # fmt: skip
    made["training"]["rows"] |= {"train": len(y_train), "test": len(y_test)}
    return made


_MAKERS = {"binary": _binary, "multiclass": _multiclass, "regression": _regression}
