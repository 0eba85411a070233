"""The features of the rows to learn from: a matrix in memory, or batches read anew; binned once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from smelt.ensemble._batch_rows import BatchReader

PART = 1 << 17  # rows of a matrix that are picked out at a time

#: Bins, grouped (n_shelves, n, bytes) to learn from or else (n_features, n), and raw
#: predictions (n_outputs, n); None where they are the same for all rows.
Binned = tuple[np.ndarray, np.ndarray | None]
Function = Callable[[Any], Binned]


class RowsInMemory:
    """A matrix; which rows of it to learn from and which to validate on; or other validation rows.

    Rows are picked out part by part, so that no part of the matrix is ever copied as a whole.
    """

    is_in_memory = True

    def __init__(self, X: Any) -> None:
        self.X = X
        self.index: np.ndarray | None = None
        self.held_index: np.ndarray | None = None
        self.X_val: Any = None

    def training(self, chosen: Any = slice(None)) -> Any:
        """Return rows to learn from."""
        return self.X[chosen if self.index is None else self.index[chosen]]

    def held(self) -> Any:
        """Return the validation rows."""
        return self.X_val if self.held_index is None else self.X[self.held_index]

    def for_borders(self, rows: np.ndarray | None) -> tuple[Any, np.ndarray | None]:
        """Return a matrix, and the rows of it that stand for those to learn from."""
        if self.index is None:
            return self.X, rows
        return (self.training(), None) if rows is None else (self.X, self.index[rows])

    def binned(self, learn: Function, hold: Function) -> tuple[Binned, Binned | None]:
        """Return bins and first raw predictions, of the rows to learn from and the held ones."""
        training = self._part(self.X, self.index, learn)
        if self.X_val is None and self.held_index is None:
            return training, None
        X = self.X if self.X_val is None else self.X_val
        return training, self._part(X, self.held_index, hold)

    @staticmethod
    def _part(X: Any, index: Any, binned: Function) -> Binned:
        if index is None:
            return binned(X)
        place = Places(len(index))
        for start in range(0, len(index), PART):
            some = X[index[start : start + PART]]
            place.put(slice(start, start + len(some)), *binned(some))
        return place.binned


class RowsInBatches:
    """Batches that are read again: for the borders a part of the rows, then all for the bins."""

    is_in_memory = False

    def __init__(self, estimator: Any, reader: BatchReader, y: np.ndarray, X: Any) -> None:
        self.estimator, self.reader = estimator, reader
        self.y: np.ndarray | None = y  # as encoded, to see that the rows come in the same order
        self.X = X  # a few rows, arranged
        self.index: np.ndarray | None = None
        self.held_index: np.ndarray | None = None
        self.n = len(y)
        self.readings = 1

    def arranged(self) -> Iterator[tuple[int, int, Any]]:
        """Read all batches anew: where each starts and stops, and its matrix of numbers."""
        self.readings += 1
        start, label = 0, "the last batch"
        for batch in self.reader.read():
            label, stop = batch.label, start + len(batch.y)
            if stop > self.n:
                self._differ(f"{label} goes on to row {stop}, but there were {self.n} rows")
            if not self._are_targets(batch.y, start, stop):
                self._differ(f"{label} has other targets")
            try:
                X = self.estimator._arrange(self.reader.in_order(batch.X))
            except (ValueError, TypeError) as error:
                raise type(error)(f"{label}: {error}") from error
            yield start, stop, X
            start = stop
        if start < self.n:
            self._differ(f"it ended after {start} rows ({label}), but there were {self.n}")

    def _differ(self, what: str) -> None:
        raise ValueError(
            f"reading {self.readings} of the batches gave other rows than the first: {what}. Each "
            "reading must give the same rows in the same order; is the source shuffled, or is it "
            "an iterator that was used up?"
        )

    def _are_targets(self, y: np.ndarray, start: int, stop: int) -> bool:
        try:
            codes = self.estimator._codes_of_targets(y)
        except ValueError:  # a class that was not there
            return False
        return self.y is None or np.array_equal(codes, self.y[start:stop])

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """Return some rows, given in ascending order, as a matrix."""
        out: Any = None
        for start, stop, X in self.arranged():
            if out is None:
                out = np.empty((len(rows), X.shape[1]), dtype=X.dtype)
            first, last = np.searchsorted(rows, (start, stop))
            if X.dtype.itemsize > out.dtype.itemsize:
                narrow, out = out, np.empty(out.shape, dtype=X.dtype)
                out[:first] = narrow[:first]
            out[first:last] = X[rows[first:last] - start]
        return np.asarray(out)

    def for_borders(self, rows: np.ndarray | None) -> tuple[Any, np.ndarray | None]:
        """Return a matrix, and the rows of it that stand for those to learn from."""
        if rows is None:
            wanted = np.arange(self.n) if self.index is None else self.index
        else:
            wanted = rows if self.index is None else self.index[rows]
        distinct, places = np.unique(wanted, return_inverse=True)
        X = self.gather(distinct)
        return (X[places], None) if rows is None else (X, places)

    def binned(self, learn: Function, hold: Function) -> tuple[Binned, Binned | None]:
        """Return bins and first raw predictions, of the rows to learn from and the held ones."""
        if self.index is None or self.held_index is None:
            training = Places(self.n)
            for start, stop, X in self.arranged():
                training.put(slice(start, stop), *learn(X))
            self.y = None
            return training.binned, None
        training, held = Places(len(self.index)), Places(len(self.held_index))
        place = np.empty(self.n, dtype=np.uint32)
        place[self.index] = np.arange(len(self.index), dtype=np.uint32)
        place[self.held_index] = np.arange(len(self.held_index), dtype=np.uint32)
        is_held = np.zeros(self.n, dtype=bool)
        is_held[self.held_index] = True
        self.index = self.held_index = None
        for start, stop, X in self.arranged():
            are_held = is_held[start:stop]
            for part, chosen, binned in ((training, ~are_held, learn), (held, are_held, hold)):
                if chosen.any():
                    part.put(place[start:stop][chosen], *binned(X[chosen]))
        self.y = None
        return training.binned, held.binned


class Places:
    """Bins and raw predictions of rows that come part by part."""

    def __init__(self, n: int) -> None:
        self.n = n
        self._binned: Binned | None = None

    def put(self, where: Any, bins: np.ndarray, raw: np.ndarray | None) -> None:
        """Write some rows to their places."""
        if self._binned is None:
            self._binned = (
                np.empty((len(bins), self.n, *bins.shape[2:]), dtype=np.uint8),
                None if raw is None else np.empty((len(raw), self.n)),
            )
        for of, some in zip(self._binned, (bins, raw), strict=True):
            if of is not None:
                of[:, where] = some

    @property
    def binned(self) -> Binned:
        """Bins and raw predictions of all rows."""
        if self._binned is None:
            raise AssertionError("no row came")
        return self._binned
