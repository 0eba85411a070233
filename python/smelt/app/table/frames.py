"""Frames of other libraries, and the plain types that the rest of the package knows.

Plain are text, booleans, numbers of any width, and date-times without a time zone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from smelt.app.table.json_lines import to_series
from smelt.app.table.schema import BLANKS
from smelt.errors import DataError


def from_frame(frame: Any) -> pl.DataFrame:
    """Turn a pandas, Polars or Arrow frame, or a dict of columns, into a Polars frame."""
    library = type(frame).__module__.partition(".")[0]
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, pl.DataFrame):
        return plain_types(frame, "the frame")
    if library == "pandas":
        return plain_types(_from_pandas(frame), "the frame")
    if isinstance(frame, Mapping):
        return plain_types(_from_dict(frame), "the dict")
    if hasattr(frame, "__arrow_c_stream__"):
        names = [str(name) for name in getattr(frame, "column_names", [])]
        _refuse_doubles(names)
        return plain_types(pl.DataFrame(frame), "the table")
    raise DataError(
        f"cannot read a {type(frame).__module__}.{type(frame).__qualname__}; give a path, a "
        "pandas, Polars or Arrow frame, or a dict of columns."
    )


def plain_types(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """Bring every column to a plain type; names lose the blanks around them."""
    names = [name.strip(BLANKS) for name in frame.columns]
    _refuse_doubles(names)
    if not names:
        raise DataError(f"{where} has no column.")
    for position, name in enumerate(names, 1):
        if not name:
            raise DataError(f"{where}: column {position} has no name; give it one.")
    return pl.DataFrame(
        {name: _plain(c, where) for name, c in zip(names, frame.iter_columns(), strict=True)}
    )


def _plain(column: pl.Series, where: str) -> pl.Series:
    kind = column.dtype
    if kind in (pl.String, pl.Boolean) or kind == pl.Datetime("us"):
        return column
    if kind.is_float():
        return column.cast(pl.Float64).fill_nan(None)
    if kind.is_integer():
        return column
    if kind.is_decimal():
        return column.cast(pl.Float64)
    if kind in (pl.Categorical, pl.Enum, pl.Null, pl.Time):
        return column.cast(pl.String)
    if kind == pl.Date:
        return column.cast(pl.Datetime("us"))
    if kind == pl.Datetime:
        if getattr(kind, "time_zone", None):
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return column.cast(pl.Datetime("us"))
    if kind == pl.Duration:
        return column.dt.total_microseconds(fractional=False) / 1e6
    what = {pl.Binary: "bytes", pl.Object: "Python objects"}.get(kind.base_type(), str(kind))
    raise DataError(
        f"{where}: the column {column.name!r} holds {what}; a cell holds one number, text, boolean "
        "or date. Convert or leave out the column."
    )


def trimmed(column: pl.Series) -> pl.Series:
    """Cut the blanks around text; a cell without content becomes null."""
    if column.dtype != pl.String:
        return column
    column = column.str.strip_chars(BLANKS)
    return column.set(column == "", None)


def trim(frame: pl.DataFrame) -> pl.DataFrame:
    """Trim every column of text."""
    text = pl.col(pl.String)
    return frame.with_columns(text.str.strip_chars(BLANKS)).with_columns(
        pl.when(text != "").then(text)
    )


def _refuse_doubles(names: list[str]) -> None:
    doubles = [name for name, count in Counter(names).items() if count > 1]
    if doubles:
        raise DataError(
            f"two columns have the same name {doubles[0]!r}; rename or remove one of them."
        )


def _from_dict(columns: Mapping[Any, Any]) -> pl.DataFrame:
    series = []
    for name, values in columns.items():
        if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
            raise DataError(
                f"column {name!r} must be a sequence of values, got {type(values).__name__}"
            )
        series.append(_from_values(str(name), values))
    lengths = {len(column): column.name for column in series}
    if len(lengths) > 1:
        short, long = min(lengths), max(lengths)
        raise DataError(
            f"the columns have different lengths: {lengths[short]!r} has {short} values, "
            f"{lengths[long]!r} has {long}."
        )
    _refuse_doubles([column.name for column in series])
    return pl.DataFrame(series)


def _from_values(name: str, values: Any) -> pl.Series:
    if type(values).__module__.startswith("pandas"):
        return _pandas_series(name, values)
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "biufM":
        return pl.Series(name, values)
    if isinstance(values, pl.Series):
        return values.alias(name)
    if any(isinstance(cell, (list, tuple, dict, set, bytes)) for cell in values):
        raise DataError(f"the column {name!r} holds lists, dicts or bytes; a cell holds one value.")
    cells = values.tolist() if hasattr(values, "tolist") else list(values)
    if any(hasattr(cell, "isoformat") for cell in cells):
        try:
            return pl.Series(name, cells)
        except (TypeError, pl.exceptions.PolarsError):
            cells = [cell.isoformat() if hasattr(cell, "isoformat") else cell for cell in cells]
    return to_series(name, [_cell(cell) for cell in cells])


def _cell(cell: Any) -> Any:
    """A plain Python value; every form of "nothing" becomes None."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return None
    return cell if not isinstance(cell, float) or cell == cell else None


def _from_pandas(frame: Any) -> pl.DataFrame:
    if not hasattr(frame, "columns"):
        raise DataError("a pandas Series is one column; give a DataFrame.")
    if getattr(frame.columns, "nlevels", 1) > 1:
        raise DataError("the frame has column names of several levels; flatten them.")
    names = [str(name) for name in frame.columns]
    _refuse_doubles(names)
    return pl.DataFrame([_pandas_series(n, frame.iloc[:, k]) for k, n in enumerate(names)])


def _pandas_series(name: str, series: Any) -> pl.Series:
    dtype = series.dtype
    kind = getattr(dtype, "kind", "O")
    if isinstance(dtype, np.dtype) and kind in "biuf":
        return pl.Series(name, series.to_numpy())
    if kind == "M":
        if getattr(dtype, "tz", None) is not None:
            series = series.dt.tz_convert("UTC").dt.tz_localize(None)
        return pl.Series(name, series.to_numpy(dtype="datetime64[us]"))
    if kind == "m":
        return pl.Series(name, series.dt.total_seconds().to_numpy(dtype=float))
    if kind in "iuf":  # nullable numbers
        return pl.Series(name, series.to_numpy(dtype=float, na_value=np.nan))
    return _from_values(name, series.astype(object).to_numpy().tolist())
