"""Batches taken apart: features, targets, weights and queries, with the same columns in each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.utils.validation import column_or_1d

from smelt.ensemble._batch_source import Source


class Batch(NamedTuple):
    """Rows of a batch; ``X`` is a matrix or a frame, or None where no features were read."""

    label: str
    X: Any
    y: np.ndarray
    weight: np.ndarray | None
    qid: np.ndarray | None


class BatchReader:
    """Reads a source batch by batch and refuses what does not match the first batch.

    ``target``, ``sample_weight`` and ``qid`` name columns of frames; tuples hold (X, y) or (X, y,
    sample_weight), for rankings (X, y, qid) or (X, y, qid, sample_weight).
    """

    def __init__(
        self, source: Source, target: str | None, sample_weight: str | None, qid: str | None,
        is_ranking: bool,
    ) -> None:  # fmt: skip
        self.source, self.is_ranking = source, is_ranking
        self.named = {"target": target, "sample_weight": sample_weight, "qid": qid}
        self.first: str | None = None  # label of the first batch
        self.names: list[str] | None = None
        self.n_features = 0
        self.parts: set[str] = set()

    def read(self, with_features: bool = True) -> Iterator[Batch]:
        """Read all batches that have rows."""
        columns = None
        if not with_features and self.source.is_narrow:
            columns = [name for name in self.named.values() if name is not None]
        for label, given in self.source.read(columns):
            batch = self._split(label, given, columns is None)
            if len(batch.y):
                self._compare(batch)
                yield batch

    def _split(self, label: str, given: Any, with_features: bool) -> Batch:
        frame = as_frame(given)
        if frame is not None:
            return self._of_frame(label, frame, with_features)
        if not isinstance(given, tuple | list):
            raise TypeError(
                f"{label} is a {type(given).__name__}; a batch must be {self._forms} or a frame."
            )
        if any(name is not None for name in self.named.values()):
            raise ValueError(
                f"{label} is a tuple: target, sample_weight and qid name columns of frames."
            )
        if len(given) not in ((3, 4) if self.is_ranking else (2, 3)):
            raise ValueError(f"{label} has {len(given)} parts; it must be {self._forms}.")
        X = given[0] if as_frame(given[0]) is None else as_frame(given[0]).to_native()
        X = X if hasattr(X, "shape") else np.asarray(X)
        y, *rest = (_vector(label, part) for part in given[1:])
        others: list[np.ndarray | None] = list(rest)
        if self.is_ranking:
            others = [*others[1:], others[0]] if len(others) == 2 else [None, others[0]]
        weight, qid = [*others, None, None][:2]
        return Batch(label, X, y, weight, qid)

    @property
    def _forms(self) -> str:
        if self.is_ranking:
            return "(X, y, qid), (X, y, qid, sample_weight)"
        return "(X, y), (X, y, sample_weight)"

    def _of_frame(self, label: str, frame: Any, with_features: bool) -> Batch:
        if self.named["target"] is None:
            raise ValueError(f"{label} is a frame: give target=, the name of its column of y.")
        if self.is_ranking and self.named["qid"] is None:
            raise ValueError(f"{label} is a frame: give qid=, the name of its column of queries.")
        parts: dict[str, Any] = {}
        for part, name in self.named.items():
            if name is not None and name not in frame.columns:
                raise ValueError(
                    f"{label} has no column {name!r} ({part}); it has {list(frame.columns)}."
                )
            parts[part] = None if name is None else _vector(label, frame[name].to_numpy())
        X = None
        if with_features:
            taken = [name for name in self.named.values() if name is not None]
            X = frame.drop(taken).to_native()
        return Batch(label, X, parts["target"], parts["sample_weight"], parts["qid"])

    def _compare(self, batch: Batch) -> None:
        """Check a batch by itself, and with the first one."""
        label, X, y, *_ = batch
        found = {name for name in ("weight", "qid") if getattr(batch, name) is not None}
        for name in sorted(found):
            if len(getattr(batch, name)) != len(y):
                raise ValueError(
                    f"{label}: {name} has {len(getattr(batch, name))} entries, y has {len(y)}."
                )
        is_new = self.first is None
        if is_new:
            self.first, self.parts = label, found
        for name in sorted(found ^ self.parts):
            raise ValueError(
                f"only one of {label} and {self.first} has a {name}; all or none must."
            )
        if X is None:
            return
        if len(getattr(X, "shape", ())) != 2 or X.shape[0] != len(y):
            shape = getattr(X, "shape", None)
            raise ValueError(f"{label}: X has shape {shape}, y has {len(y)} entries.")
        frame = as_frame(X)
        names = None if frame is None else list(frame.columns)
        if is_new or not self.n_features:
            self.names, self.n_features = names, X.shape[1]
        elif X.shape[1] != self.n_features and names is None:
            raise ValueError(
                f"{label} has {X.shape[1]} features, {self.first} has {self.n_features}."
            )
        elif (names is None) != (self.names is None):
            raise ValueError(
                f"one of {label} and {self.first} has names of features, and the other has not."
            )
        elif names is not None and set(names) != set(self.names or ()):
            missing = sorted(set(self.names or ()) - set(names))
            further = sorted(set(names) - set(self.names or ()))
            raise ValueError(
                f"{label} has not the features of {self.first}: missing {missing}, new {further}."
            )

    def in_order(self, X: Any) -> Any:
        """Return a frame with its columns in the order of the first batch."""
        frame = as_frame(X)
        if frame is None or list(frame.columns) == self.names:
            return X
        return frame.select(self.names or []).to_native()


def as_frame(given: Any) -> Any:
    """Return a frame as narwhals sees it, Arrow data as one of Polars; None for others."""
    frame = nw.from_native(given, eager_only=True, pass_through=True)
    if isinstance(frame, nw.DataFrame) and not frame.implementation.is_pyarrow():
        return frame
    if any(hasattr(given, name) for name in ("__arrow_c_stream__", "__arrow_c_array__")):
        import polars as pl

        table: Any = pl.from_arrow(given)
        return nw.from_native(table, eager_only=True) if isinstance(table, pl.DataFrame) else None
    return None


def _vector(label: str, values: Any) -> np.ndarray:
    """Return the targets, weights or queries of a batch as a vector."""
    try:
        return np.asarray(column_or_1d(values))
    except ValueError as error:
        raise ValueError(f"{label}: {error}") from error
