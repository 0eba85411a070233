"""Data of every form to the raw columns that a model reads, with strict checks."""

from __future__ import annotations

import datetime
import decimal
import difflib
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from smelt.errors import DataError

Columns = list[tuple[Any, ...]]


def input_columns(
    data: Any, inputs: Sequence[Mapping[str, Any]]
) -> tuple[Columns, tuple[str, ...]]:
    """Return the columns that a model reads, and the names of those that it does not.

    Parameters
    ----------
    data : frame, dict, list of dict, or list of columns
        A list of columns is passed on as it is, but for columns that the model does not read.
    inputs : sequence of dict
        ``manifest["inputs"]``: name, role, required.
    """
    if isinstance(data, Mapping) and _is_row(data):
        return _from_rows([data], inputs)
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        if len(data) and all(isinstance(row, Mapping) for row in data):
            return _from_rows(data, inputs)
        if len(data) and all(_is_column(column) for column in data):
            ignored = _choose([column[0] for column in data], inputs)
            names = {column["name"] for column in inputs}
            return [column for column in data if column[0] in names], ignored
        raise DataError(
            "a list of rows must hold dicts, one a row, and at least one",
            hint='for example [{"age": 39, "job": "baker"}]',
        )
    return _from_frame(data, inputs)


def _is_column(column: Any) -> bool:
    return isinstance(column, tuple) and len(column) in (3, 4) and isinstance(column[0], str)


def _is_row(data: Mapping[Any, Any]) -> bool:
    """Tell one row (all values are single) from a dict of columns."""
    return all(isinstance(value, (str, bytes)) or np.ndim(value) == 0 for value in data.values())


def _choose(names: Iterable[str], inputs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Check that every required column is there; return the columns that are not needed."""
    have = list(names)
    wanted = {column["name"] for column in inputs}
    present = set(have)
    ignored = tuple(name for name in have if name not in wanted)
    lacking = [
        column["name"]
        for column in inputs
        if column.get("required", True) and column["name"] not in present
    ]
    if lacking:
        told = [f"{name!r}{_did_you_mean(name, ignored)}" for name in lacking[:20]]
        if len(lacking) > 20:
            told.append(f"and {len(lacking) - 20} more")
        noun = "a column" if len(lacking) == 1 else f"{len(lacking)} columns"
        raise DataError(
            f"the data lack {noun} that the model was trained on: {', '.join(told)}",
            hint="rename or add what is missing; a column without values may be left empty",
        )
    return ignored


def _did_you_mean(name: str, candidates: tuple[str, ...]) -> str:
    plain = {_plain_name(candidate): candidate for candidate in candidates}
    close = difflib.get_close_matches(_plain_name(name), plain, n=1, cutoff=0.7)
    return f" (did you mean {plain[close[0]]!r}?)" if close else ""


def _plain_name(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _mistyped(name: str, role: str, got: str) -> DataError:
    held = {
        "number": "numbers",
        "category": "categories",
        "boolean": "truth values",
        "datetime": "dates",
        "text": "text",
    }[role]
    return DataError(
        f"column {name!r} held {held} in training, but now it holds {got}",
        hint="is it another column, or was it converted on the way?",
    )


# Which types of cells stand for which role: text is always read as a CSV's text would be.
_FITTING = {
    "number": ("number",),
    "category": ("number", "boolean"),
    "boolean": ("number", "boolean"),
    "datetime": ("date",),
    "text": ("number", "boolean"),
}
_NAMES = {"number": "numbers", "boolean": "truth values", "date": "dates"}


def _from_frame(data: Any, inputs: Sequence[Mapping[str, Any]]) -> tuple[Columns, tuple[str, ...]]:
    """Columns of a pandas, Polars or Arrow frame, or of a dict of columns."""
    import polars as pl

    from smelt.app.table.columns import to_columns
    from smelt.app.table.frames import from_frame, plain_types

    if isinstance(data, pl.DataFrame):
        wanted = [column["name"] for column in inputs if column["name"] in data.columns]
        ignored = _choose(data.columns, inputs)
        frame = plain_types(data.select(wanted), "the frame") if wanted else data.select([])
    else:
        frame = from_frame(data)
        wanted = [column["name"] for column in inputs if column["name"] in frame.columns]
        ignored = _choose(frame.columns, inputs)
        frame = frame.select(wanted)
    roles = {column["name"]: column["role"] for column in inputs}
    for name, kind in frame.schema.items():
        got = "text"
        if kind == pl.Boolean:
            got = "boolean"
        elif kind == pl.Datetime:
            got = "date"
        elif kind.is_numeric():
            got = "number"
        if got != "text" and got not in _FITTING[roles[name]]:
            raise _mistyped(name, roles[name], _NAMES[got])
    return to_columns(frame), ignored


def _from_rows(
    rows: Sequence[Mapping[str, Any]], inputs: Sequence[Mapping[str, Any]]
) -> tuple[Columns, tuple[str, ...]]:
    """Columns of a few rows, without a data frame library: microseconds a row."""
    names = rows[0].keys() if len(rows) == 1 else dict.fromkeys(n for row in rows for n in row)
    ignored = _choose(names, inputs)
    columns: Columns = []
    for column in inputs:
        name, role = column["name"], column["role"]
        if name in names:
            cells = [_cell(row.get(name), name, role) for row in rows]
            columns.append(_column(name, cells))
    return columns, ignored


def _cell(value: Any, name: str, role: str) -> str | float | None:
    """One cell as text or number; None where there is no value."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_)):
        if "boolean" not in _FITTING[role]:
            raise _mistyped(name, role, f"the truth value {value!r}")
        return "true" if value else "false"
    if isinstance(value, (numbers.Real, decimal.Decimal)):
        number = _float(value)
        if number != number:
            return None
        if "number" not in _FITTING[role]:
            raise _mistyped(name, role, f"the number {value!r}")
        return number
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return _cell(value.item(), name, role)
    if type(value).__name__ in ("NaTType", "NAType") or value != value:
        return None
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, datetime.date):
        if role != "datetime":
            raise _mistyped(name, role, f"the date {value}")
        if not isinstance(value, datetime.datetime):
            value = datetime.datetime(value.year, value.month, value.day)
        zoned = value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
        return (zoned - _EPOCH) / datetime.timedelta(seconds=1)
    raise _mistyped(name, role, f"a {type(value).__name__}")


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _column(name: str, cells: list[str | float | None]) -> tuple[Any, ...]:
    if not any(isinstance(cell, str) for cell in cells):
        values = [np.nan if cell is None else cell for cell in cells]
        return name, "number", np.array(values, dtype=np.float64)
    texts = [cell if cell is None or isinstance(cell, str) else _written(cell) for cell in cells]
    pieces = [b"" if text is None else text.encode("utf-8", "replace") for text in texts]
    lengths = [
        -1 if text is None else len(piece) for text, piece in zip(texts, pieces, strict=True)
    ]
    return name, "text", b"".join(pieces), np.array(lengths, dtype=np.int64)


def _written(number: float) -> str:
    """A number among texts, written as a CSV would hold it."""
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)
