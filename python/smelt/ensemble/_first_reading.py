"""The first reading of batches: targets, weights, queries, and all categories."""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np

from smelt.ensemble._batch_rows import Batch, BatchReader, as_frame
from smelt.tree._categories import categorical_mask

_NAN = object()  # stands for every NaN: they equal nothing, not even themselves


class Found(NamedTuple):
    """What the first reading keeps of all rows."""

    X: Any  #: a few rows in which every category occurs
    y: np.ndarray
    weight: np.ndarray | None
    qid: np.ndarray | None


def read_first(reader: BatchReader, categorical_features: Any) -> Found:
    """Read targets and categories; the features of Parquet files only where they are categories."""
    start = next(reader.read(), None)
    if start is None:
        raise ValueError("the batches have no row: there is nothing to learn from.")
    mask = categorical_mask(start.X, categorical_features)
    categories = None if mask is None else CategoryRows(mask, categorical_features)
    targets, weights, queries, labels = [], [], [], _Labels()
    for batch in reader.read(with_features=categories is not None):
        targets.append(labels.of(batch))
        if batch.weight is not None:
            weights.append(np.asarray(batch.weight, dtype=np.float64))
        if batch.qid is not None:
            queries.append(labels.shared(batch.qid))
        if categories is not None:
            categories.add(batch.label, reader.in_order(batch.X))
    return Found(
        _head(start.X) if categories is None else categories.rows(),
        _joined(targets),
        _joined(weights) if weights else None,
        _joined(queries) if queries else None,
    )


class _Labels:
    """Refuses missing targets, and keeps one copy only of each text."""

    def __init__(self) -> None:
        self.known: dict[Any, Any] = {}

    def of(self, batch: Batch) -> np.ndarray:
        y = batch.y
        if y.dtype.kind == "f":
            missing = ~np.isfinite(y)
        elif y.dtype.kind == "O":
            missing = np.array([v is None or (isinstance(v, float) and v != v) for v in y])
        else:
            return y
        if missing.any():
            value = y[missing.argmax()]
            text = "NaN" if value is None or value != value else "infinity"
            raise ValueError(
                f"Input y contains {text}: row {int(missing.argmax())} of {batch.label} (and "
                f"{int(missing.sum()) - 1} more rows of it)."
            )
        return self.shared(y)

    def shared(self, values: np.ndarray) -> np.ndarray:
        if values.dtype.kind != "O":
            return values
        out = np.empty(len(values), dtype=object)
        out[:] = [self.known.setdefault(value, value) for value in values]
        return out


class CategoryRows:
    """Rows in which the categories seen so far occur, each for the first time."""

    def __init__(self, mask: np.ndarray, wanted: Any) -> None:
        self.mask, self.wanted = mask, wanted
        self.columns = np.flatnonzero(mask)
        self.seen: list[set[Any]] = [set() for _ in self.columns]
        self.found: list[Any] = []

    def add(self, label: str, X: Any) -> None:
        """Take in the categories of a batch."""
        mask = categorical_mask(X, self.wanted)
        if mask is None or not np.array_equal(mask, self.mask):
            differing = self.mask if mask is None else mask != self.mask
            names = getattr(X, "columns", np.arange(len(differing)))
            raise ValueError(
                f"{label}: the features {[names[j] for j in np.flatnonzero(differing)]} are "
                "categorical in some batches only; give them the same dtype in all, or name them "
                "in categorical_features."
            )
        frame, rows = as_frame(X), []
        for seen, j in zip(self.seen, self.columns, strict=True):
            places, values = _distinct(X[:, j] if frame is None else frame[:, int(j)])
            for place, value in zip(places.tolist(), values, strict=True):
                key = _NAN if isinstance(value, float) and value != value else value
                if key not in seen:
                    seen.add(key)
                    rows.append(place)
        if rows:
            chosen = np.unique(rows)
            self.found.append(X[chosen] if frame is None else frame[chosen])

    def rows(self) -> Any:
        """Return the rows, as one matrix or frame."""
        if not isinstance(self.found[0], nw.DataFrame):
            return np.concatenate(self.found)
        schema, frames = self.found[0].schema, self.found
        names = [name for name, kind in schema.items() if kind in (nw.Categorical, nw.Enum)]
        if frames[0].implementation.is_polars():
            # The batches need not know the same categories.
            texts = [nw.col(name).cast(nw.String) for name in names]
            frames = [frame.with_columns(*texts) for frame in frames]
        codes = [nw.col(name).cast(nw.Categorical) for name in names]
        return nw.concat(frames, how="vertical").with_columns(*codes).to_native()


def _distinct(column: Any) -> tuple[np.ndarray, list[Any]]:
    """Return where each value of a column occurs first, and these values."""
    if isinstance(column, nw.Series):
        places = np.flatnonzero(column.is_first_distinct().to_numpy())
        return places, column[places].to_list()
    if column.dtype.kind == "O":
        first: dict[Any, int] = {}
        for place, value in enumerate(column):
            first.setdefault(value, place)
        return np.array(list(first.values())), list(first)
    values, places = np.unique(column, return_index=True)
    return places, values.tolist()


def _head(X: Any) -> Any:
    frame = as_frame(X)
    return X[:1] if frame is None else frame.head(1).to_native()


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Join the parts, which are let go on the way."""
    joined = np.concatenate(parts)
    parts.clear()
    return joined
