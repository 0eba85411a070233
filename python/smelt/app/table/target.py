"""The target: which task it makes, its classes, and its values as an array."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from smelt.app.table.column_roles import infer_column
from smelt.app.table.columns import number_array
from smelt.app.table.frames import trimmed
from smelt.app.table.schema import MISSING_MARKS, Column, Schema, Task, plain_number
from smelt.app.table.typed import number_words, numbers_of, words_of
from smelt.app.table.values import (
    Numbers,
    Values,
    all_whole,
    as_text,
    highest,
    lowest,
    read_numbers,
)
from smelt.errors import DataError

MOST_CLASSES = 1000
_MOST_LABELS = 20


@dataclass(frozen=True)
class Target:
    """What was found out about the target."""

    column: Column
    task: Task
    reason: str
    classes: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()
    spellings: dict[str, str] = field(default_factory=dict)


def infer_target(name: str, seen: Values, task: Task | None, comma_hint: bool = False) -> Target:
    """Find the task and the classes from the values of the target.

    Words are classes.  Numbers make a regression, unless there are only two of them, or they look
    like the labels of classes: 0, 1, 2, … or 1, 2, 3, … without a gap, at most twenty, none much
    rarer than the others.
    """
    left = seen.without(MISSING_MARKS)
    if not left.n_unique:
        raise DataError(f"the target {name!r} has no value in any row.")
    if left.values.dtype == pl.Datetime:
        raise DataError(
            f"the target {name!r} is a date; predict a number made of it, e.g. days until then."
        )
    numbers = read_numbers(seen, comma_hint)
    if numbers is not None and numbers.n_infinite:
        raise DataError(
            f"the target {name!r} is infinite in {numbers.n_infinite} rows; "
            "remove these rows or give them a finite value."
        )
    found = numbers.found if numbers is not None and not numbers.has_codes else left
    if found.n_unique == 1:
        raise DataError(
            f"the target {name!r} is always {as_text(found.values[0])!r}: there is nothing to "
            "predict."
        )
    if numbers is not None and not numbers.has_codes:
        guess, reason = _task_of_numbers(numbers.found)
        if (task or guess) == "regression":
            column = infer_column(name, seen, comma_hint)
            column = replace(column, role="number", reason=reason)
            return Target(column, "regression", reason if task is None else "as asked for")
        return _classes(name, numbers.found, numbers, task, reason)
    if task == "regression":
        raise DataError(
            f"the target {name!r} cannot be predicted by regression, its values are no numbers: "
            f"{', '.join(map(repr, left.examples()))}."
        )
    return _classes(name, left, None, task, "")


def _task_of_numbers(found: Values) -> tuple[Task, str]:
    low, high = lowest(found.values), highest(found.values)
    n_unique = found.n_unique
    if n_unique == 2:
        return "binary", f"two values, {plain_number(low)} and {plain_number(high)}"
    span = f"{plain_number(low)} to {plain_number(high)}"
    whole = all_whole(found.values)
    if not whole:
        return "regression", f"numbers from {span}"
    gapless = low in (0.0, 1.0) and high - low + 1 == n_unique <= _MOST_LABELS
    rarest = lowest(found.counts)
    if gapless and 3 * rarest * n_unique >= found.n_valid and rarest > 1:
        return "multiclass", (
            f"whole numbers {span} without a gap, about equally frequent, look like labels of "
            "classes (give the task regression to predict them as numbers)"
        )
    reason = f"whole numbers from {span}"
    if n_unique <= _MOST_LABELS:
        reason += (
            f", {n_unique} different ones (give the task multiclass to predict them as classes)"
        )
    return "regression", reason


def _classes(
    name: str, found: Values, numbers: Numbers | None, task: Task | None, reason: str
) -> Target:
    column = infer_column(name, found) if numbers is None else None
    labels = [as_text(value) for value in found.values]
    counts = found.counts.to_list()
    spellings = {label: label for label in labels}
    if column is not None and column.role == "boolean":
        spellings = _fold_spellings(labels, counts)
    tally: dict[str, int] = {}
    for label, count in zip(labels, counts, strict=True):
        if label in spellings:
            tally[spellings[label]] = tally.get(spellings[label], 0) + count
    if column is not None and column.role == "boolean":
        false = set(column.false)
        order = sorted(tally, key=lambda label: label not in false)
    elif numbers is not None:
        order = sorted(tally, key=float)
    else:
        order = sorted(tally)
    _check_classes(name, tally, task)
    if column is None or column.role != "boolean":
        column = Column(
            name, "category", f"{len(order)} classes",
            missing=numbers.missing if numbers else MISSING_MARKS,
            decimal=numbers.form.decimal if numbers else ".",
            thousands=numbers.form.thousands if numbers else "",
            affixes=numbers.form.affixes if numbers else (),
            low=lowest(found.values) if numbers else None,
            high=highest(found.values) if numbers else None,
            n_missing=found.n_missing - (numbers.n_invalid if numbers else 0),
            n_invalid=numbers.n_invalid if numbers else 0,
            n_unique=len(order),
            examples=found.examples(),
            invalid_examples=numbers.invalid_examples if numbers else (),
        )  # fmt: skip
    found_task: Task = "binary" if len(order) == 2 else "multiclass"
    if not reason:
        reason = "two classes" if len(order) == 2 else f"{len(order)} classes"
    return Target(
        column,
        found_task,
        reason if task is None else "as asked for",
        tuple(order),
        tuple(tally[label] for label in order),
        spellings,
    )


def _fold_spellings(labels: list[str], counts: list[int]) -> dict[str, str]:
    """Map every spelling of a boolean word to its most frequent one; other texts are invalid."""
    best: dict[str, tuple[int, str]] = {}
    for label, count in zip(labels, counts, strict=True):
        word = label.lower()
        if word not in best or (count, label) > best[word]:
            best[word] = (count, label)
    words = {"true", "false", "yes", "no", "y", "n", "t", "f", "on", "off"}
    return {label: best[label.lower()][1] for label in labels if label.lower() in words}


def _check_classes(name: str, tally: dict[str, int], task: Task | None) -> None:
    n_classes = len(tally)
    if task == "binary" and n_classes != 2:
        listed = ", ".join(map(repr, sorted(tally)[:6])) + (" …" if n_classes > 6 else "")
        raise DataError(
            f"the task binary needs a target with two classes; {name!r} has {n_classes}: {listed}."
        )
    if task == "multiclass" and n_classes == 2:
        raise DataError(f"the target {name!r} has two classes; the task is binary.")
    single = sum(count == 1 for count in tally.values())
    if single == n_classes:
        raise DataError(
            f"the target {name!r} has a class for each of its {n_classes} rows: it looks like an "
            "identifier. Name another column."
        )
    if single > 0.5 * n_classes and n_classes > 20:
        raise DataError(
            f"{single} of the {n_classes} classes of the target {name!r} have a single row: it "
            "looks like free text or an identifier. Name another column, or join rare classes."
        )
    if n_classes > MOST_CLASSES:
        raise DataError(
            f"the target {name!r} has {n_classes} classes; at most {MOST_CLASSES} can be learned. "
            "Join rare ones, or give the task regression when they are numbers."
        )


def target_vector(frame: pl.DataFrame, schema: Schema) -> np.ndarray:
    """Return the target as float64: codes of the classes, or values; NaN where there is none.

    A value that is no class and no number is taken for missing.
    """
    series, column = trimmed(frame[schema.target]), schema.target_column
    if schema.task == "regression":
        return number_array(numbers_of(series, column))
    if column.low is not None:
        labels = number_words(numbers_of(series, column))
    else:
        labels = words_of(series, column)
    codes = {label: float(k) for k, label in enumerate(schema.classes)}
    table = {spelling: codes[label] for spelling, label in schema.class_spellings.items()}
    mapped = labels.replace_strict(
        list(table), list(table.values()), default=None, return_dtype=pl.Float64
    )
    return number_array(mapped)
