"""Finds the role of every column, looking at all rows."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from smelt.app.table.column_roles import force_role, infer_column, number_column
from smelt.app.table.names import did_you_mean
from smelt.app.table.numbers import surely_comma
from smelt.app.table.plain_numbers import plain_numbers
from smelt.app.table.schema import ROLES, TASKS, Column, Role, Schema, Task
from smelt.app.table.target import infer_target
from smelt.app.table.values import Values
from smelt.app.table.width import refuse_wide
from smelt.errors import DataError, UsageError

FEWEST_ROWS = 10


def infer_schema(
    frame: pl.DataFrame,
    target: str,
    overrides: Mapping[str, Role] | None = None,
    task: Task | None = None,
) -> Schema:
    """Find the role of every column, the task, and the classes.

    Parameters
    ----------
    frame : pl.DataFrame
        From :func:`~smelt.app.table.read.read_table`.
    target : str
        Name of the column to predict.
    overrides : mapping of str to Role, optional
        Roles that are given and not to be found out.
    task : {"binary", "multiclass", "regression"}, optional
        The task, when it is not to follow from the target.

    Returns
    -------
    Schema

    Raises
    ------
    UsageError
        An unknown column, role or task (with the nearest names).
    DataError
        A table, or a target, from which nothing can be learned.
    """
    overrides = dict(overrides or {})
    _check_request(frame, target, overrides, task)
    _check_size(frame)
    given = {target, *overrides}
    plain = plain_numbers(frame)
    seen = {
        column.name: Values.of(column)
        for column in frame.iter_columns()
        if column.name in given or column.name not in plain
    }
    comma_hint = any(
        values.values.dtype == pl.String and surely_comma(values.values) for values in seen.values()
    )
    found = infer_target(target, seen.pop(target), task, comma_hint)
    if comma_hint:  # then a point may separate thousands
        seen |= {name: Values.of(frame[name]) for name in plain if name not in given}
    columns = tuple(
        force_role(name, seen[name], overrides[name], comma_hint)
        if name in overrides
        else infer_column(name, seen[name], comma_hint)
        if name in seen
        else number_column(name, plain[name])
        for name in frame.columns
        if name != target
    )
    n_known = frame.height - found.column.n_missing - found.column.n_invalid
    if n_known < FEWEST_ROWS:
        raise DataError(
            f"only {n_known} rows have a value of the target {target!r}; at least {FEWEST_ROWS} "
            "are needed to train and test."
        )
    _check_features(columns, target)
    return Schema(
        columns=columns,
        target=target,
        task=found.task,
        task_reason=found.reason,
        classes=found.classes,
        n_rows=frame.height,
        target_column=found.column,
        class_counts=found.class_counts,
        class_spellings=found.spellings,
    )


def _check_request(
    frame: pl.DataFrame, target: str, overrides: Mapping[str, Role], task: Task | None
) -> None:
    if target not in frame.columns:
        raise UsageError(
            f"the target {target!r} is no column of the table. "
            f"{did_you_mean(target, frame.columns)}"
        )
    for name, role in overrides.items():
        if name not in frame.columns:
            raise UsageError(
                f"a role is given for the column {name!r}, which the table does not have. "
                f"{did_you_mean(name, frame.columns)}"
            )
        if role not in ROLES:
            raise UsageError(f"{role!r} is no role. {did_you_mean(str(role), ROLES)}")
        if name == target:
            raise UsageError(
                f"a role is given for the target {target!r}; say what to predict with the task "
                f"instead ({', '.join(TASKS)})."
            )
    if task is not None and task not in TASKS:
        raise UsageError(f"{task!r} is no task. {did_you_mean(str(task), TASKS)}")


def _check_size(frame: pl.DataFrame) -> None:
    refuse_wide(frame.width)
    if frame.width < 2:
        raise DataError(
            f"the table has one column only ({frame.columns[0]!r}); a target and at least one "
            "column to predict it from are needed. Is the delimiter right?"
        )
    if frame.height < FEWEST_ROWS:
        rows = "1 row" if frame.height == 1 else f"{frame.height} rows"
        raise DataError(
            f"the table has {rows}; at least {FEWEST_ROWS} are needed to train and test a model."
        )


def _check_features(columns: tuple[Column, ...], target: str) -> None:
    if any(column.is_feature for column in columns):
        return
    listed = "; ".join(f"{c.name!r} is {c.role} ({c.reason})" for c in columns[:5])
    more = " …" if len(columns) > 5 else ""
    raise DataError(
        f"no column is left to predict {target!r} from: {listed}{more}. "
        "If a role is wrong, give the right one."
    )
