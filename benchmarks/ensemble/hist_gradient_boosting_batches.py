"""Gradient boosting from a Parquet file, batch by batch: memory beside LightGBM's and XGBoost's.

The memory of a row is what the fit takes at most; the rows themselves stay in the file.
"""

import functools
import os
import tempfile
from pathlib import Path

import numpy as np
from ensemble.hist_gradient_boosting import QUALITY, TWIN, physics
from harness import Workload

ROWS = 1 << 16


@functools.cache
def file(n_samples):
    """Rows to learn from in a file, rows to test on in memory."""
    import polars as pl

    data = physics(n_samples)
    path = Path(tempfile.gettempdir()) / f"smelt-benchmark-physics-{n_samples}.parquet"
    names = [f"x{j}" for j in range(28)]
    frame = pl.DataFrame(data["X"], schema=names).with_columns(y=pl.Series(data["y"]))
    whole = path.with_suffix(f".{os.getpid()}")
    frame.write_parquet(whole, row_group_size=ROWS)
    whole.replace(path)  # one file, which every peer writes anew, and which stays
    physics.cache_clear()
    test = {name: data[name] for name in ("X_test", "y_test")}
    return {"path": path, "names": names, "n_samples": n_samples, **test}


def fit_smelt(data, **extras):
    from smelt.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=100, max_leaf_nodes=255, early_stopping=False, random_state=0, **extras
    )
    model.fit_batches(data["path"], "y")
    del model.feature_names_in_  # the rows to test on are a matrix
    return model


class Answers:
    """What the quality asks of a fitted model."""

    def __init__(self, predict):
        self.predict = predict

    def predict_proba(self, X):
        answer = self.predict(X)
        return np.column_stack([1 - answer, answer])


def fit_lightgbm(data):
    import lightgbm
    import polars as pl

    table = pl.scan_parquet(data["path"])

    class Rows(lightgbm.Sequence):
        batch_size = ROWS
        first, rows = -1, None

        def __len__(self):
            return data["n_samples"]

        def __getitem__(self, wanted):
            if isinstance(wanted, slice):
                part = table.select(data["names"]).slice(wanted.start, wanted.stop - wanted.start)
                return part.collect().to_numpy()
            first = wanted // ROWS * ROWS
            if first != self.first:
                self.first, self.rows = first, self[first : first + ROWS]
            return self.rows[wanted - first].astype(np.float64)

    y = table.select("y").collect()["y"].to_numpy()
    params = {"objective": "binary", "num_leaves": 255, "learning_rate": 0.1, "verbose": -1}
    rows = lightgbm.Dataset(Rows(), y, params={"verbose": -1})
    return Answers(lightgbm.train(params, rows, 100).predict)


def fit_xgboost(data):
    import polars as pl
    import xgboost

    table = pl.scan_parquet(data["path"])

    class Rows(xgboost.DataIter):
        at = 0

        def next(self, input_data):
            part = table.slice(self.at, ROWS).collect()
            if not len(part):
                return False
            input_data(data=part.select(data["names"]).to_numpy(), label=part["y"].to_numpy())
            self.at += ROWS
            return True

        def reset(self):
            self.at = 0

    params = {
        "objective": "binary:logistic", "max_leaves": 255, "max_depth": 0,
        "grow_policy": "lossguide", "tree_method": "hist", "learning_rate": 0.1,
    }  # fmt: skip
    model = xgboost.train(params, xgboost.QuantileDMatrix(Rows(), max_bin=256), 100)
    return Answers(lambda X: model.predict(xgboost.DMatrix(X)))


WORKLOADS = [
    Workload(
        "boosting-parquet-1e6x28-255-leaves", data=lambda: file(1_000_000), quality=QUALITY,
        peers={
            "smelt": fit_smelt,
            "smelt quantized": functools.partial(fit_smelt, quantized_gradients=True),
            "lightgbm": fit_lightgbm,
            "xgboost": fit_xgboost,
        },
        note="100 rounds, from a Parquet file", twin=TWIN,
    ),
]  # fmt: skip
