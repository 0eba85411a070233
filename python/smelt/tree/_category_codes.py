"""Codes of the categorical columns of data frames, from the codes that the frames hold already.

scikit-learn's encoder turns every value back into a word and looks it up; 5e5 rows of 20 columns
take seconds.  Here the few categories are looked up, and the rows take their codes from a table.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np


class Column(NamedTuple):
    """A categorical column as its frame holds it."""

    codes: np.ndarray  #: of each row, -1 where missing
    values: Any  #: categories by code: an index of pandas, or a series of Polars


def categorical_columns(X: Any, mask: np.ndarray) -> list[Column] | None:
    """Return the columns of the mask, or None where one is not of a categorical dtype."""
    frame = nw.from_native(X, pass_through=True)
    if not isinstance(frame, nw.DataFrame) or len(set(frame.columns)) != len(mask):
        return None
    if not (frame.implementation.is_pandas() or frame.implementation.is_polars()):
        return None
    found = []
    for name in np.asarray(frame.columns, dtype=object)[mask]:
        column = frame[name]
        if column.dtype not in (nw.Categorical, nw.Enum):
            return None
        native = column.to_native()
        if frame.implementation.is_pandas():
            found.append(Column(native.cat.codes.to_numpy(), native.cat.categories))
            continue
        import polars as pl

        text = native.cast(pl.String)
        values = text.unique().drop_nulls().sort()
        codes = text.cast(pl.Enum(values)).to_physical().cast(pl.Int64).fill_null(-1)
        found.append(Column(codes.to_numpy(), values))
    return found


def few_rows(X: Any, mask: np.ndarray, columns: list[Column]) -> Any:
    """Return a frame of few rows in which the same categories occur, and missing ones if any do."""
    present = []
    for column in columns:
        counts = np.bincount(column.codes + 1, minlength=len(column.values) + 1)
        present.append(np.flatnonzero(counts) - 1)
    n_rows = max(len(codes) for codes in present)
    names = np.asarray(X.columns, dtype=object)[mask]
    whole = X[:n_rows]
    if hasattr(X, "iloc"):
        import pandas as pd

        made = {
            name: pd.Categorical.from_codes(np.resize(codes, n_rows), dtype=X[name].dtype)
            for name, codes in zip(names, present, strict=True)
        }
        return whole.assign(**made)
    first = [
        _first_rows(column.codes, codes) for column, codes in zip(columns, present, strict=True)
    ]
    return whole.with_columns(
        **{
            name: X[name][np.resize(rows, n_rows).tolist()]
            for name, rows in zip(names, first, strict=True)
        }
    )


def _first_rows(codes: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return a row for each code."""
    place = np.zeros(present.max() + 2, dtype=np.int64)
    place[codes + 1] = np.arange(len(codes))
    rows: np.ndarray = place[present + 1]
    return rows


def n_known(categories: np.ndarray) -> int:
    """Return how many fitted categories there are, without NaN, which comes last.

    None, which Polars has for what is missing, is a category to scikit-learn's encoder.
    """
    last = categories[-1] if len(categories) else None
    return len(categories) - int(isinstance(last, float) and np.isnan(last))


def codes_by_table(columns: list[Column], categories: list[np.ndarray]) -> list[np.ndarray]:
    """Return each row's place among the fitted categories; NaN where unknown, or missing as NaN."""
    import pandas as pd

    found = []
    for column, known in zip(columns, categories, strict=True):
        values = column.values if isinstance(column.values, pd.Index) else column.values.to_list()
        index = pd.Index(values)
        if index.dtype == bool and known.dtype.kind in "iuf":
            index = index.astype(known.dtype)  # the encoder has numbers for them; pandas finds none
        places = pd.Index(known[: n_known(known)], dtype=known.dtype).get_indexer(index)
        missing = len(known) - 1 if len(known) and known[-1] is None else np.nan
        table = np.append(np.where(places < 0, np.nan, places), missing)
        found.append(table[column.codes])  # -1, the last, is missing
    return found
