"""``smelt.train`` with no option but the target, beside LightGBM with its defaults, on real tables.

Rows whose number is a multiple of five are the test part (``adult`` has its own); both see the same
rows.  LightGBM gets numbers as numbers and words as categories; text it cannot use.  Seconds are
for smelt the checks, validation, choice and refit, and for LightGBM the fit alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from harness import Peer, Workload

MISSING = ["NA", "?"]


@dataclass(frozen=True)
class Table:
    """A data set: its files, its target, the figure that counts."""

    path: str
    target: str
    metric: str
    test_path: str | None = None
    separator: str = ","
    change: Callable[[pl.DataFrame], pl.DataFrame] | None = None


def late(frame: pl.DataFrame) -> pl.DataFrame:
    """Flights more than a quarter of an hour late, from what is known before they leave."""
    known = ["month", "day", "sched_dep_time", "sched_arr_time", "carrier", "origin", "dest"]
    frame = frame.filter(pl.col("arr_delay").is_not_null())
    return frame.select(*known, "distance", late=pl.col("arr_delay") > 15)


TABLES = {
    "adult": Table("adult/train.csv.gz", "income", "auc", "adult/test.csv.gz"),
    "heart_disease": Table("heart_disease/heart_disease.csv", "diagnosis", "auc"),
    "titanic": Table("titanic/titanic.csv", "survived", "auc"),
    "ames_housing": Table("ames_housing/ames_housing.csv.gz", "SalePrice", "r2"),
    "california_housing": Table(
        "california_housing/california_housing.csv.gz", "median_house_value", "rmse"
    ),
    "telco_churn": Table("telco_churn/telco_churn.csv.gz", "Churn", "auc"),
    "bank_marketing": Table("bank_marketing/bank_marketing.csv.gz", "y", "auc", separator=";"),
    "diamonds": Table("diamonds/diamonds.csv.gz", "price", "rmse"),
    "wine_red": Table("wine_quality/red.csv", "quality", "rmse", separator=";"),
    "wine_white": Table("wine_quality/white.csv", "quality", "rmse", separator=";"),
    "credit_data": Table("credit_data/credit_data.csv", "Status", "auc"),
    "penguins": Table("penguins/penguins.csv", "species", "accuracy"),
    "sms_spam": Table("sms_spam/sms_spam.csv.gz", "type", "auc"),
    "flights_late": Table("flights/flights.parquet", "late", "auc", change=late),
    "flights": Table("flights/flights.parquet", "arr_delay", "r2"),
}


def read(table: Table) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the training rows and the test rows, text as text."""
    from smelt.app.table import ReadOptions, read_table

    folder = Path(os.environ.get("SMELT_DATA", "data"))
    if not (folder / table.path).exists():
        raise FileNotFoundError(f"no {table.path} in {folder}: set SMELT_DATA")
    options = ReadOptions(delimiter=table.separator if table.separator != "," else None)

    def one(path: str) -> pl.DataFrame:
        frame = read_table(folder / path, options).frame
        frame = frame if table.change is None else table.change(frame)
        missing = frame[table.target].is_null()
        if frame.schema[table.target] == pl.String:
            missing |= frame[table.target].is_in(MISSING)
        return frame.filter(~missing)

    train = one(table.path)
    if table.test_path is not None:
        return train, one(table.test_path)
    every_fifth = pl.int_range(pl.len(), eager=False) % 5 == 0
    return train.filter(~every_fifth), train.filter(every_fifth)


@dataclass(frozen=True)
class Part:
    """Both parts of a table."""

    table: Table
    train: pl.DataFrame
    test: pl.DataFrame


@dataclass(frozen=True)
class Scored:
    """What a fitted model says of the test part: n×k, and the names of the classes."""

    predict: Callable[[], np.ndarray]
    classes: list[str]


def data_of(table: Table) -> Part:
    return Part(table, *read(table))


def train_smelt(part: Part) -> Scored:
    """Train with no option but the target."""
    import smelt

    result = smelt.train(part.train, part.table.target)
    rows = part.test.drop(part.table.target)
    return Scored(lambda: result.model.run(rows).values, result.manifest["classes"])


def frames(part: Part) -> dict[str, Any]:
    """Return what LightGBM can use of the columns: numbers, and words as categories."""
    import lightgbm
    import pandas as pd

    train, test = part.train, part.test
    columns = {}
    for name in train.columns:
        if name == part.table.target:
            continue
        both = pl.concat([train[name], test[name]])
        numbers = both
        if both.dtype == pl.String:
            known = both.replace(dict.fromkeys(MISSING))
            numbers = known.cast(pl.Float64, strict=False)
            if numbers.null_count() > known.null_count() + 20:
                if both.n_unique() <= 0.5 * len(both):
                    columns[name] = pd.Categorical(both.to_list())
                continue
        if numbers.dtype.is_temporal():
            numbers = numbers.to_physical()
        columns[name] = numbers.cast(pl.Float64).to_numpy()
    if not columns:
        raise ValueError("no column that LightGBM can use")
    whole = pd.DataFrame(columns)
    regression = part.table.metric in ("rmse", "r2")
    classes = [] if regression else sorted(set(words_of(train[part.table.target])))
    return {
        "kind": lightgbm.LGBMRegressor if regression else lightgbm.LGBMClassifier,
        "X": whole[: train.height],
        "y": target_of(train[part.table.target], classes),
        "X_test": whole[train.height :],
        "classes": classes,
    }


def train_lightgbm(state: dict[str, Any]) -> Scored:
    """Fit LightGBM with its defaults."""
    model = state["kind"](verbose=-1, n_jobs=os.cpu_count()).fit(state["X"], state["y"])
    classes = state["classes"]
    predict = model.predict_proba if classes else lambda rows: model.predict(rows)[:, None]
    return Scored(lambda: predict(state["X_test"]), classes)


def target_of(series: pl.Series, classes: list[str]) -> np.ndarray:
    """Return codes of the classes, or numbers."""
    if not classes:
        return series.cast(pl.Float64).to_numpy()
    codes = {label: code for code, label in enumerate(classes)}
    return np.array([codes[word] for word in words_of(series)])


def words_of(series: pl.Series) -> list[str]:
    """Return labels as smelt writes them: a boolean is "true" or "false"."""
    words = map(str, series)
    return [word.lower() for word in words] if series.dtype == pl.Boolean else list(words)


def figure(metric: str, target: np.ndarray, prediction: np.ndarray) -> float:
    """Return the figure of one model; ``prediction`` is n×k."""
    from sklearn import metrics

    if metric == "auc":
        return float(metrics.roc_auc_score(target, prediction[:, 1]))
    if metric == "accuracy":
        return float(metrics.accuracy_score(target, prediction.argmax(axis=1)))
    if metric == "r2":
        return float(metrics.r2_score(target, prediction[:, 0]))
    return float(metrics.root_mean_squared_error(target, prediction[:, 0]))


def score(scored: Scored, part: Part) -> float:
    """Return the figure on the test part."""
    target = target_of(part.test[part.table.target], scored.classes)
    return figure(part.table.metric, target, scored.predict())


WORKLOADS = [
    Workload(
        f"train-{name}",
        data=lambda table=table: data_of(table),
        quality={table.metric: score},
        peers={"smelt": train_smelt, "lightgbm": Peer(setup=frames, run=train_lightgbm)},
    )
    for name, table in TABLES.items()
]
