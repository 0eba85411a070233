"""Transactions of any form as compressed rows of item numbers; results as frames."""

from __future__ import annotations

import gc
import importlib.util
import os
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import scipy.sparse as sp

from smelt._kernel import kernel

_PART = 1 << 22  # cells looked at together


@dataclass
class Transactions:
    """Transaction t holds the items ``items[k]`` for k in ``indices[indptr[t]:indptr[t + 1]]``."""

    indptr: np.ndarray
    indices: np.ndarray
    items: list[Any]

    def __len__(self) -> int:
        return len(self.indptr) - 1


def read(data: Any, use_colnames: bool) -> Transactions:
    """Read lists of items, a one-hot frame or array, or a sparse matrix."""
    if sp.issparse(data):
        return _of_sparse(data, list(range(data.shape[1])))
    if isinstance(data, np.ndarray) and data.dtype != object and data.ndim == 2:
        return _of_array(data, list(range(data.shape[1])))
    frame = nw.from_native(data, eager_only=True, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        names = list(data.columns) if use_colnames else list(range(frame.shape[1]))
        sparse = getattr(data, "sparse", None) if _all_sparse(data) else None
        if sparse is not None:
            return _of_sparse(sparse.to_coo(), names)
        return _of_array(frame.to_numpy(), names)
    if isinstance(data, str | bytes | dict) or not hasattr(data, "__iter__"):
        raise TypeError(
            "transactions must be lists of items, a one-hot frame or array, or a sparse matrix,"
            f" not {type(data).__name__}"
        )
    indptr, indices, items = kernel("association.read_transactions")(data)
    return Transactions(indptr, indices, items)


def _all_sparse(data: Any) -> bool:
    """Return whether all columns are pandas' sparse ones."""
    dtypes = getattr(data, "dtypes", ())
    return len(dtypes) > 0 and all(hasattr(dtype, "fill_value") for dtype in dtypes)


def _of_sparse(matrix: Any, names: list[Any]) -> Transactions:
    rows = matrix.tocsr()
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    _check_values(rows.data)
    if np.any(rows.data == 0):
        rows = rows.copy()
        rows.eliminate_zeros()
    indptr = np.ascontiguousarray(rows.indptr, dtype=np.int64)
    return Transactions(indptr, np.ascontiguousarray(rows.indices, dtype=np.int32), names)


def _of_array(values: np.ndarray, names: list[Any]) -> Transactions:
    if values.dtype == object:
        values = _plain(values)
    n_rows, n_columns = values.shape
    counts, indices = [np.zeros(1, dtype=np.int64)], [np.empty(0, dtype=np.int32)]
    step = max(1, _PART // max(1, n_columns))
    for start in range(0, n_rows, step):
        part = np.ascontiguousarray(values[start : start + step])
        if part.dtype != bool:
            _check_values(part)
            part = part != 0
        places = np.flatnonzero(part)
        rows = places // n_columns
        counts.append(np.bincount(rows, minlength=len(part)))
        indices.append((places - rows * n_columns).astype(np.int32))
    return Transactions(np.cumsum(np.concatenate(counts)), np.concatenate(indices), names)


def _plain(values: np.ndarray) -> np.ndarray:
    """Return objects as numbers; what is missing or no number is refused."""
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        strange = next(v for v in values.flat if not isinstance(v, bool | int | float | np.number))
        raise ValueError(_allowed(strange)) from None


def _check_values(values: np.ndarray) -> None:
    if values.dtype == bool or len(values) == 0:
        return
    strange = (values != 0) & (values != 1)
    if np.any(strange):
        raise ValueError(_allowed(values[strange][0]))


def _allowed(found: Any) -> str:
    return f"The allowed values of one-hot data are True, False, 0, 1. Found value {found}"


def make_sets(indptr: np.ndarray, items: np.ndarray, names: list[Any]) -> list[frozenset[Any]]:
    """Return frozensets; Python's search for garbage, which there is none of, would take longer."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return kernel("association.make_itemsets")(indptr, items, names)  # type: ignore[no-any-return]
    finally:
        if was_enabled:
            gc.enable()


def frame(columns: dict[str, Any], output: str, like: Any) -> Any:
    """Return columns as the frame that is asked for; sets stay frozensets but in Polars."""
    if output == "auto":
        if type(like).__module__.startswith("polars"):
            output = "polars"
        elif importlib.util.find_spec("pandas") is not None:
            output = "pandas"
        else:
            output = "polars" if importlib.util.find_spec("polars") is not None else "dict"
    if output == "dict":
        return columns
    if output == "pandas":
        import pandas as pd

        return pd.DataFrame(
            {
                name: pd.Series(values, dtype=object) if isinstance(values, list) else values
                for name, values in columns.items()
            }
        )
    if output == "polars":
        import polars as pl

        return pl.DataFrame(
            {
                name: [list(items) for items in values] if isinstance(values, list) else values
                for name, values in columns.items()
            }
        )
    raise ValueError(f"output must be 'auto', 'pandas', 'polars' or 'dict', got {output!r}")


def free_memory() -> int:
    """Return the bytes of memory that the machine has to spare."""
    try:
        with open("/proc/meminfo") as lines:
            return 1024 * next(int(line.split()[1]) for line in lines if "MemAvailable" in line)
    except (OSError, StopIteration, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
