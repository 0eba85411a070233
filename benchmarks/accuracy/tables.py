"""Every real table with a target: where it lies, what is learnt, which columns are left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

MISSING = ["NA", "?", ""]


@dataclass(frozen=True)
class Table:
    """A data set: its files (stacked), its target, and what is not to be learnt from."""

    name: str
    paths: Sequence[str]
    target: str
    task: str  #: "binary", "classes" or "number"
    drop: Sequence[str] = ()
    separator: str = ","
    change: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    note: str = ""


def late(frame: pl.DataFrame) -> pl.DataFrame:
    """Every eighth flight: more than a quarter of an hour late, from what is known before."""
    frame = frame.filter(pl.col("arr_delay").is_not_null())[::8]
    known = ("month", "day", "sched_dep_time", "sched_arr_time", "carrier", "flight", "tailnum")
    known += ("origin", "dest", "distance")
    flight = pl.col("flight").cast(pl.String)
    return frame.with_columns(flight, late=pl.col("arr_delay") > 15).select("late", *known)


def one(name: str, target: str, task: str, **more: object) -> Table:
    """Return a table of one file, of the set's name."""
    return Table(name, [f"{name}/{name}.csv"], target, task, **more)  # type: ignore[arg-type]


def two(name: str, target: str, task: str, **more: object) -> Table:
    """Return a table of a training and a test part; they are stacked."""
    paths = [f"{name}/train.csv", f"{name}/test.csv"]
    return Table(name, paths, target, task, **more)  # type: ignore[arg-type]


TABLES = [
    two("adult", "income", "binary", drop=["fnlwgt"]),
    one("heart_disease", "diagnosis", "binary"),
    one("titanic", "survived", "binary"),
    Table(
        "titanic3", ["titanic/titanic3.csv"], "survived", "binary", drop=["boat", "body"],
        note="home.dest: 369 categories",
    ),
    one("telco_churn", "Churn", "binary"),
    one("bank_marketing", "y", "binary", drop=["duration"], separator=";"),
    one("breast_cancer", "diagnosis", "binary", drop=["id"]),
    one("credit_data", "Status", "binary"),
    two("higgs_sample", "label", "binary"),
    one("esl_spam", "class", "binary"),
    one("esl_saheart", "chd", "binary"),
    one("esl_mixture", "y", "binary"),
    Table(
        "flights_late", ["flights/flights.parquet"], "late", "binary", change=late,
        note="every eighth flight; tailnum and flight: about 3,700 and 3,500 categories",
    ),
    one("penguins", "species", "classes"),
    one("iris", "species", "classes"),
    one("digits", "target", "classes"),
    two("esl_vowel", "y", "classes"),
    two("esl_waveform", "y", "classes"),
    Table("esl_zip", ["esl_zip/train.parquet", "esl_zip/test.parquet"], "digit", "classes"),
    one("esl_marketing", "Income", "classes"),
    two("esl_srbct", "tumour", "classes"),
    one("california_housing", "median_house_value", "number"),
    one("ames_housing", "SalePrice", "number", drop=["Id", "PID"]),
    Table("wine_red", ["wine_quality/red.csv"], "quality", "number", separator=";"),
    Table("wine_white", ["wine_quality/white.csv"], "quality", "number", separator=";"),
    one("diamonds", "price", "number"),
    one("mpg", "mpg", "number"),
    one("concrete", "strength", "number"),
    one("diabetes", "target", "number"),
    one("beijing_pm25", "pm2.5", "number", drop=["No"]),
    one("esl_prostate", "lpsa", "number", drop=["train"]),
    one("esl_ozone", "ozone", "number"),
    one("esl_la_ozone", "ozone", "number"),
    one("esl_galaxy", "velocity", "number"),
    one("esl_bone", "spnbmd", "number", drop=["idnum"]),
]  # fmt: skip


def read(table: Table) -> tuple[pd.DataFrame, np.ndarray]:
    """Return columns (numbers, and words as categories) and targets (codes of the classes).

    A column of words is a number where all of its words are; it is left out where more than half
    of its values differ (names, numbers of tickets).
    """
    folder = Path(os.environ.get("SMELT_DATA", "data"))
    frame = pl.concat([_file(folder / path, table.separator) for path in table.paths])
    if table.change is not None:
        frame = table.change(frame)
    frame = frame.filter(pl.col(table.target).is_not_null())
    y = frame[table.target]
    if table.task == "number":
        targets = y.cast(pl.Float64).to_numpy()
    else:
        targets = np.unique(y.to_numpy(), return_inverse=True)[1]
    columns = {}
    for name in frame.columns:
        if name == table.target or name in table.drop:
            continue
        values = frame[name]
        if values.dtype == pl.String:
            numbers = values.str.strip_chars().replace("", None).cast(pl.Float64, strict=False)
            known = len(values) - values.null_count()
            if name != "flight" and len(numbers) - numbers.null_count() >= 0.99 * known:
                values = numbers
        if values.dtype != pl.String:
            columns[name] = values.cast(pl.Float64).to_numpy()
        elif values.n_unique() <= 0.5 * len(values):
            columns[name] = pd.Categorical(values.to_list())
    return pd.DataFrame(columns), targets


def _file(path: Path, separator: str) -> pl.DataFrame:
    if not path.exists():
        path = path.with_name(path.name + ".gz")
    if not path.exists():
        raise FileNotFoundError(f"no {path}: set SMELT_DATA")
    if ".parquet" in path.name:
        return pl.read_parquet(path)
    return pl.read_csv(path, separator=separator, null_values=MISSING, infer_schema_length=None)
