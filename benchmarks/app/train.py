"""``smelt.train`` with no option but the target, beside LightGBM with its defaults, on real tables.

    python benchmarks/app/train.py [NAME …] [--folder DATA] [--markdown FILE]

Rows whose number is a multiple of five are the test part (``adult`` has its own); both see the same
rows.  LightGBM gets numbers as numbers and words as categories; text it cannot use.  Each runs in a
process of its own, so that the peak of its memory is its own; seconds include reading a frame,
checks, validation and refit, and for LightGBM the fit alone.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

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


def read(table: Table, folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the training rows and the test rows, text as text."""
    from smelt.app.table import ReadOptions, read_table

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


def train_smelt(
    table: Table, train: pl.DataFrame, test: pl.DataFrame
) -> tuple[float, float, dict[str, Any]]:
    """Train with no option but the target and predict the test rows."""
    import smelt

    start = time.perf_counter()
    result = smelt.train(train, table.target)
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    values = result.model.run(test.drop(table.target)).values
    predicting = time.perf_counter() - start
    classes = result.manifest["classes"]
    training = result.manifest["training"]
    more = {
        "model_kib": round(len(result.data) / 1024),
        "us_per_row": round(1e6 * predicting / test.height, 1),
        "cross_validated": training["metrics"]["cross_validation"][table.metric]["value"],
        "held_out": training["metrics"]["test"][table.metric],
        "members": {row["name"]: row["weight"] for row in training["leaderboard"] if row["weight"]},
    }
    return figure(table.metric, target_of(test[table.target], classes), values), seconds, more


def train_lightgbm(
    table: Table, train: pl.DataFrame, test: pl.DataFrame
) -> tuple[float, float, dict[str, Any]]:
    """Fit LightGBM with its defaults."""
    import lightgbm
    import pandas as pd

    columns = [name for name in train.columns if name != table.target]
    frames: dict[str, tuple[Any, Any]] = {}
    for name in columns:
        both = pl.concat([train[name], test[name]])
        numbers = both
        if both.dtype == pl.String:
            numbers = both.replace(dict.fromkeys(MISSING)).cast(pl.Float64, strict=False)
            if numbers.null_count() > both.replace(dict.fromkeys(MISSING)).null_count() + 20:
                if both.n_unique() > 0.5 * len(both):
                    continue
                whole = pd.Series(pd.Categorical(both.to_list()))
                frames[name] = (whole[: train.height], whole[train.height :])
                continue
        if numbers.dtype.is_temporal():
            numbers = numbers.to_physical()
        values = pd.Series(numbers.cast(pl.Float64).to_numpy())
        frames[name] = (values[: train.height], values[train.height :])
    classes = (
        [] if table.metric in ("rmse", "r2") else sorted(map(str, train[table.target].unique()))
    )
    y = target_of(train[table.target], classes)
    X = pd.DataFrame(
        {
            name: pair[0].to_numpy() if pair[0].dtype == float else pair[0].array
            for name, pair in frames.items()
        }
    )
    Z = pd.DataFrame(
        {
            name: pair[1].to_numpy() if pair[1].dtype == float else pair[1].array
            for name, pair in frames.items()
        }
    )
    if X.empty:
        return float("nan"), float("nan"), {"note": "no column that LightGBM can use"}
    kind = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
    start = time.perf_counter()
    model = kind(verbose=-1, n_jobs=os.cpu_count()).fit(X, y)
    seconds = time.perf_counter() - start
    prediction = model.predict_proba(Z) if classes else model.predict(Z)[:, None]
    return figure(table.metric, target_of(test[table.target], classes), prediction), seconds, {}


def target_of(series: pl.Series, classes: list[str]) -> np.ndarray:
    """Return codes of the classes, or numbers."""
    if not classes:
        return series.cast(pl.Float64).to_numpy()
    codes = {label: code for code, label in enumerate(classes)}
    return np.array(
        [
            codes[str(value).lower() if series.dtype == pl.Boolean else str(value)]
            for value in series
        ]
    )


TRAINERS = {"smelt": train_smelt, "lightgbm": train_lightgbm}


def measure(name: str, trainer: str, folder: Path, answer: Any) -> None:
    """Run one trainer on one table and send what came out."""
    train, test = read(TABLES[name], folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    value, seconds, more = TRAINERS[trainer](TABLES[name], train, test)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer.send(
        {
            "value": value,
            "seconds": round(seconds, 1),
            "peak_mb": round(peak / 1024),
            "before_mb": round(before / 1024),
            **more,
        }
    )


def run(name: str, trainer: str, folder: Path) -> dict[str, Any]:
    """Measure in a fresh process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(name, trainer, folder, there))
    process.start()
    there.close()
    try:
        found: dict[str, Any] = here.recv()
    except EOFError:
        found = {"value": float("nan"), "seconds": float("nan"), "peak_mb": 0, "error": True}
    process.join()
    return found


def row(name: str, found: dict[str, dict[str, Any]]) -> str:
    """Return one line of the Markdown table."""
    cells = [name, TABLES[name].metric]
    for trainer in TRAINERS:
        part = found[trainer]
        value = f"{part['value']:,.0f}" if part["value"] > 100 else f"{part['value']:.4f}"
        cells += [value, f"{part['seconds']:.1f}", f"{part['peak_mb']:,}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure the tables named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *TABLES], metavar="NAME")
    parser.add_argument("--folder", type=Path, default=Path(os.environ.get("SMELT_DATA", "data")))
    parser.add_argument("--json", type=Path, help="also write all that was measured")
    options = parser.parse_args()
    print("| table | metric | smelt | s | MB | LightGBM | s | MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    everything = {}
    for name in options.names or TABLES:
        found = {trainer: run(name, trainer, options.folder) for trainer in TRAINERS}
        everything[name] = found
        print(row(name, found), flush=True)
        print(f"    {name}: {json.dumps(found['smelt'])}", file=sys.stderr, flush=True)
    if options.json:
        options.json.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
