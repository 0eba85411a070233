"""Fits every model on every table, fold by fold, and keeps what is done."""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from accuracy.models import MODELS
from accuracy.tables import TABLES, Table, read

WIDE = 2000 * 100  #: values above which a table of classes gets fewer folds


def folds(table: Table, X: Any, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the same folds for all models: 5 × 3 up to 1,000 rows, 5 up to 10,000, then 3."""
    from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

    n_splits, n_repeats = (5, 3) if len(y) <= 1000 else (5, 1) if len(y) <= 10_000 else (3, 1)
    if table.task == "classes" and X.size > WIDE / 2:
        n_splits, n_repeats = 3, 1
    kind = RepeatedKFold if table.task == "number" else RepeatedStratifiedKFold
    splitter = kind(n_splits=n_splits, n_repeats=n_repeats, random_state=0)
    return list(splitter.split(X, y))


def measure(table: Table, name: str, data: Any, fold: Any) -> dict[str, float]:
    """Fit on all folds but one and judge on that one."""
    from sklearn import metrics

    X, y = data
    train, test = fold
    model = MODELS[name].make(table.task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X.iloc[train], y[train])
        if table.task == "number":
            found = np.asarray(model.predict(X.iloc[test])).ravel()
            return {"rmse": float(metrics.root_mean_squared_error(y[test], found))}
        found = np.asarray(model.predict_proba(X.iloc[test]), dtype=np.float64)
    found /= found.sum(axis=1, keepdims=True)  # of 32 bits, some sum to one only nearly
    loss = metrics.log_loss(y[test], found, labels=np.arange(found.shape[1]))
    if table.task == "binary":
        return {"log_loss": float(loss), "auc": float(metrics.roc_auc_score(y[test], found[:, 1]))}
    return {"log_loss": float(loss), "accuracy": float((found.argmax(axis=1) == y[test]).mean())}


def run(names: list[str], wanted: list[str] | None, store: Path, seconds: float) -> bool:
    """Go on where the last run ended, for ``seconds``; return whether everything is done."""
    start = time.perf_counter()
    kept = json.loads(store.read_text()) if store.exists() else {}
    for table in TABLES:
        if names and table.name not in names:
            continue
        entry = kept.setdefault(table.name, {"models": {}})
        data: Any = None
        for name in wanted or MODELS:
            done = entry["models"].setdefault(name, [])
            if entry.get("n_folds") and len(done) == entry["n_folds"]:
                continue
            if data is None:
                X, y = read(table)
                parts = folds(table, X, y)
                entry |= {
                    "task": table.task, "rows": len(y), "columns": X.shape[1],
                    "n_folds": len(parts), "note": table.note,
                }  # fmt: skip
                data = X, y
            prepared = MODELS[name].prepare(data[0]), data[1]
            begun = time.perf_counter()
            while len(done) < len(parts):
                done.append(measure(table, name, prepared, parts[len(done)]))
                store.write_text(json.dumps(kept, indent=1) + "\n")
                if time.perf_counter() - start > seconds:
                    return False
            means = {key: np.mean([one[key] for one in done]) for key in done[0]}
            text = "  ".join(f"{key} {value:.5g}" for key, value in means.items())
            spent = time.perf_counter() - begun
            print(f"{table.name:20} {name:20} {text}  ({spent:.1f} s)", flush=True)
    return True
