"""From data of any kind to rows that can be trained on, or an error that says what is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from smelt.app.pipeline.data.splits import FEWEST_ROWS
from smelt.app.pipeline.models.candidates import Problem, is_skewed
from smelt.app.pipeline.settings import Settings, check_metric
from smelt.app.table import ReadOptions, check_data, infer_schema, read_table, target_vector
from smelt.app.table.columns import to_columns
from smelt.app.table.schema import Column, DataWarning, Schema, Table
from smelt.app.table.width import MOST_COLUMNS
from smelt.errors import DataError


@dataclass(frozen=True)
class Prepared:
    """The rows with a target, what is known of the table, and what to warn of."""

    table: Table
    schema: Schema
    warnings: list[DataWarning]
    frame: pl.DataFrame  # rows that have a target
    target: np.ndarray
    dropped: int
    problem: Problem
    features: tuple[Column, ...]


def prepare(
    data: Any, settings: Settings, read: ReadOptions | None, tell: Callable[..., None]
) -> Prepared:
    """Read, infer the roles, check, and take the target."""
    tell("read", _name(data), 0.0)
    table = data if isinstance(data, Table) else read_table(data, read, MOST_COLUMNS)
    tell("check", f"{table.frame.height:,} rows, {table.frame.width} columns", 0.5)
    schema = infer_schema(table.frame, settings.target, settings.roles or None, settings.task)
    check_metric(settings.metric, schema.task)
    tell("check", "columns and their roles", 0.7, schema=describe(schema))
    warnings = [*table.source.warnings, *check_data(table.frame, schema)]
    target = target_vector(table.frame, schema)
    known = ~np.isnan(target)
    frame, target = table.frame, target[known]
    if schema.task != "regression":
        target = target.astype(np.int64)
    if not known.all():
        frame = frame.filter(pl.Series(known))
    dropped = int((~known).sum())
    if dropped and not any(warning.code == "target_missing" for warning in warnings):
        warnings.append(
            DataWarning(
                "target_missing",
                schema.target,
                f"{dropped:,} rows have no value of {schema.target!r} and were left out",
                "fill them in if they matter",
            )
        )
    for warning in warnings:
        tell("check", warning.message, 0.9, warning=warning.to_dict())
    problem = _problem(schema, target)
    features = tuple(schema.features)
    if not features:
        raise DataError(
            f"there is no column to predict {schema.target!r} from: {_roles(schema)}; "
            "give the table more columns, or a role with roles={…} (--role COLUMN=ROLE)"
        )
    return Prepared(table, schema, warnings, frame, target, dropped, problem, features)


def _problem(schema: Schema, target: np.ndarray) -> Problem:
    name = schema.target
    if len(target) < FEWEST_ROWS:
        raise DataError(
            f"{len(target)} rows have a value of {name!r}; at least {FEWEST_ROWS} are needed "
            "to learn from some and check on others"
        )
    if schema.task == "regression":
        if not np.isfinite(target).all():
            raise DataError(f"column {name!r}, the target, has infinite values; remove or cap them")
        if target.min() == target.max():
            raise DataError(
                f"column {name!r}, the target, is {target[0]:g} in every row: nothing to predict"
            )
        return Problem(schema.task, 1, is_skewed(target))
    counts = np.bincount(target, minlength=len(schema.classes))
    if (counts > 0).sum() < 2:
        raise DataError(f"column {name!r}, the target, has one value only: nothing to predict")
    if counts.max() < 2:
        raise DataError(
            f"every row has its own value of {name!r}: a class needs at least two rows; "
            "choose another target, or task='regression' (--task regression) for a number"
        )
    return Problem(schema.task, len(schema.classes))


def describe(schema: Schema) -> dict[str, Any]:
    """Return what was inferred, for the progress display and for --json."""
    return {
        "target": schema.target,
        "task": schema.task,
        "classes": list(schema.classes),
        "rows": schema.n_rows,
        "columns": [
            {"name": column.name, "role": column.role, "reason": column.reason}
            for column in schema.columns
        ],
    }


def data_hash(prepared: Prepared) -> str:
    """Return the SHA-256 of the file, or of the values of a frame."""
    if prepared.table.source.sha256:
        return prepared.table.source.sha256
    digest = hashlib.sha256()
    for name, kind, *arrays in to_columns(prepared.table.frame):
        digest.update(f"{name}\0{kind}\0".encode())
        for array in arrays:
            digest.update(array if isinstance(array, bytes) else np.asarray(array).tobytes())
    return digest.hexdigest()


def _name(data: Any) -> str:
    if isinstance(data, Table):
        return data.source.name
    return str(data) if isinstance(data, str) or hasattr(data, "__fspath__") else "frame"


def _roles(schema: Schema) -> str:
    if not schema.columns:
        return "it is the only column"
    return ", ".join(f"{column.name} is {column.role}" for column in schema.columns[:10])
