"""Where batches come from: Parquet files, functions that begin anew, what can be repeated."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import narwhals.stable.v2 as nw
import numpy as np

PARQUET_ROWS = 1 << 16  # rows of a file that are in memory at a time

#: A batch, and what an error calls it.
Labelled = tuple[str, Any]


class Source(Protocol):
    """What can be read again and again, with the same batches each time."""

    is_narrow: bool  #: whether columns that are not asked for are not read

    def read(self, columns: list[str] | None = None) -> Iterator[Labelled]:
        """Read all batches; of Parquet files only ``columns``, if these are given."""


def open_source(batches: Any) -> Source:
    """Return the source behind what a user gives as batches."""
    if isinstance(batches, str | os.PathLike):
        return ParquetFiles(_paths(batches))
    if isinstance(batches, list | tuple) and batches:
        are_paths = [isinstance(item, str | os.PathLike) for item in batches]
        if all(are_paths):
            return ParquetFiles([path for item in batches for path in _paths(item)])
        if any(are_paths):
            raise TypeError("batches must be either paths or batches, not some of both.")
    if isinstance(batches, Iterator):
        raise TypeError(
            f"batches is a {type(batches).__name__}, which can be read once only, and the rows are "
            "read two or three times. Give the function that makes it, which is called for each "
            "reading (fit_batches(read_rows), not fit_batches(read_rows())), a list, or the paths "
            "of Parquet files."
        )
    table = nw.from_native(batches, pass_through=True)
    if isinstance(table, nw.DataFrame | nw.LazyFrame) or isinstance(batches, np.ndarray | dict):
        raise TypeError(
            f"batches is one {type(batches).__name__}; give it to fit, or give a list of batches, "
            "a function that returns an iterator, or the paths of Parquet files."
        )
    if callable(batches) or isinstance(batches, Iterable) or hasattr(batches, "__getitem__"):
        return Repeated(batches)
    raise TypeError(
        "batches must be paths of Parquet files, a function that returns an iterator, or something "
        f"that can be iterated over several times; got {type(batches).__name__}."
    )


class Repeated:
    """Batches of a function that is called for each reading, or of an iterable."""

    is_narrow = False

    def __init__(self, batches: Any) -> None:
        self._batches = batches
        self._is_made = not hasattr(batches, "__iter__") and callable(batches)

    def read(self, columns: list[str] | None = None) -> Iterator[Labelled]:
        """Read all batches; what their maker raises is chained to an error with the number."""
        number = 0
        with _Told("beginning to read the batches"):
            iterator = iter(self._batches() if self._is_made else self._batches)
        try:
            while True:
                with _Told(f"making batch {number}"):
                    try:
                        batch = next(iterator)
                    except StopIteration:
                        return
                yield f"batch {number}", batch
                number += 1
        finally:
            # A generator that is left in the middle closes its files.
            close: Callable[[], Any] | None = getattr(iterator, "close", None)
            if close is not None:
                close()


class _Told:
    """Chains what the maker of batches raises to an error that says at which batch."""

    def __init__(self, doing: str) -> None:
        self.doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, MemoryError):
            message = f"{type(error).__name__} while {self.doing}: {error}"
            raise RuntimeError(message) from error


class ParquetFiles:
    """Rows of Parquet files, one file after the other, some 65,000 at a time."""

    is_narrow = True

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        self.names = self._schema(paths[0])
        for path in paths[1:]:
            differing = set(self.names) ^ set(self._schema(path))
            if differing:
                raise ValueError(
                    f"{path} and {paths[0]} have not the same columns: only one of them has "
                    f"{', '.join(sorted(map(repr, differing)))}."
                )

    @staticmethod
    def _schema(path: Path) -> list[str]:
        return list(_polars(path, lambda lazy: lazy.collect_schema().names()))

    def read(self, columns: list[str] | None = None) -> Iterator[Labelled]:
        """Read all rows, of some columns or of all."""
        wanted = self.names if columns is None else columns
        for path in self.paths:
            n_rows = _polars(path, _count)
            for start in range(0, n_rows, PARQUET_ROWS):
                label = f"{path.name} from row {start}"

                def part(lazy: Any, start: int = start) -> Any:
                    return lazy.select(wanted).slice(start, PARQUET_ROWS).collect()

                yield label, _polars(path, part)


def _count(lazy: Any) -> int:
    import polars as pl

    return int(lazy.select(pl.len()).collect().item())


def _polars(path: Path, ask: Callable[[Any], Any]) -> Any:
    """Return what ``ask`` finds in a file, or a plain error."""
    import polars as pl

    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}.")
    try:
        return ask(pl.scan_parquet(path, glob=False))
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # Polars may panic over a damaged file
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(
            f"{path} is not a Parquet file that can be read: {reason}. Is it complete?"
        ) from error


def _paths(given: Any) -> list[Path]:
    """Return the files that a path, a folder or a pattern names, in order of their names."""
    path = Path(given)
    if path.is_dir():
        found = sorted(path.glob("*.parquet"))
        if not found:
            raise FileNotFoundError(f"the folder {path} holds no file that ends in .parquet.")
        return found
    if path.exists() or not glob.has_magic(str(given)):
        return [path]
    found = sorted(Path(name) for name in glob.glob(str(given), recursive=True))
    if not found:
        raise FileNotFoundError(f"no file fits the pattern {str(given)!r}.")
    return found
