"""Reads tables: files of any common form, standard input, and frames in memory."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import polars as pl

from smelt.app.table.columns import to_columns
from smelt.app.table.csv_file import CsvFile
from smelt.app.table.frames import from_frame, plain_types, trim
from smelt.app.table.json_lines import JsonFile, looks_like_json
from smelt.app.table.schema import ReadOptions, SourceInfo, Table
from smelt.app.table.source import Source
from smelt.app.table.width import refuse_wide, width_of
from smelt.errors import DataError, UsageError

_PIECE = 8 << 20
BATCH_ROWS = 50_000


def read_table(
    source: Any, options: ReadOptions | None = None, most_columns: int | None = None
) -> Table:
    """Read a whole table.

    Parameters
    ----------
    source : str, Path or frame
        A file (CSV and the like, JSON lines, Parquet; gzip or not: the content decides), ``"-"``
        for standard input, or a pandas, Polars or Arrow frame or a dict of columns.
    options : ReadOptions, optional
        What not to find out but to take as given.
    most_columns : int, optional
        Refuse a table with more columns, where possible before it is read.

    Returns
    -------
    Table
        Columns of text files are text: what they mean is for
        :func:`~smelt.app.table.roles.infer_schema` to find out.

    Raises
    ------
    DataError
        When the source is no table that can be read; the message says what, where and why.
    """
    options = options or ReadOptions()
    if not isinstance(source, (str, Path)):
        refuse_wide(width_of(source), most_columns)
        frame = trim(from_frame(source))
        _refuse_empty(frame, "the frame")
        info = SourceInfo("a frame in memory", "frame", sha256=_digest(frame))
        return Table(frame, info)
    with Source(source) as opened:
        found = _format(opened, options)
        delimiter = encoding = None
        warnings: tuple[Any, ...] = ()
        if found == "csv":
            csv = CsvFile(opened, options)
            refuse_wide(len(csv.names), most_columns)
            frames = list(csv.batches())
            frame = pl.concat(frames, rechunk=True) if frames else _empty(csv.names)
            delimiter, encoding, warnings = csv.delimiter, csv.encoding, tuple(csv.warnings)
        elif found == "json_lines":
            json = JsonFile(opened, options.encoding)
            frame = plain_types(next(json.batches(None)), opened.name)
            encoding = json.encoding
        else:
            frame = _parquet(io.BytesIO(b"".join(opened.chunks(_PIECE))), opened.name)
        refuse_wide(frame.width, most_columns)
        frame = trim(frame)
        _refuse_empty(frame, opened.name)
        info = SourceInfo(
            name=opened.name,
            format=found,
            compression="gzip" if opened.compression else None,
            encoding=encoding,
            delimiter=delimiter,
            n_bytes=opened.n_bytes,
            sha256=opened.sha256(),
            warnings=warnings,
        )
        return Table(frame, info)


class Batches(Iterator[pl.DataFrame]):
    """The batches of a table; ``source`` says what was opened and how it is being read."""

    def __init__(self, source: SourceInfo, frames: Iterator[pl.DataFrame]) -> None:
        self.source = source
        self._frames = frames

    def __next__(self) -> pl.DataFrame:
        return next(self._frames)


def iter_table(
    source: Any, options: ReadOptions | None = None, batch_rows: int = BATCH_ROWS
) -> Batches:
    """Open a table and read it in batches of at most ``batch_rows`` rows, in constant memory.

    All batches have the same columns in the same order, and at least one comes, if need be without
    rows.  Text is as it was written, but a cell without content is null.
    """
    if batch_rows < 1:
        raise UsageError(f"batch_rows must be at least 1, got {batch_rows}")
    options = options or ReadOptions()
    if not isinstance(source, (str, Path)):
        frame = from_frame(source)
        slices = frame.iter_slices(batch_rows) if frame.height else iter([frame])
        return Batches(SourceInfo("a frame in memory", "frame"), slices)
    opened = Source(source)
    try:
        found = _format(opened, options)
        delimiter = encoding = None
        if found == "csv":
            csv = CsvFile(opened, options)
            delimiter, encoding = csv.delimiter, csv.encoding
            frames = _csv_batches(csv, batch_rows)
        elif found == "json_lines":
            json = JsonFile(opened, options.encoding)
            encoding = json.encoding
            frames = (plain_types(frame, opened.name) for frame in json.batches(batch_rows))
        else:
            frames = _parquet_batches(opened, batch_rows)
    except BaseException:
        opened.close()
        raise
    compression: Literal["gzip"] | None = "gzip" if opened.compression else None
    info = SourceInfo(opened.name, found, compression, encoding, delimiter)
    return Batches(info, _closing(opened, frames))


def _closing(source: Source, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    with source:
        yield from frames


def _csv_batches(csv: CsvFile, batch_rows: int) -> Iterator[pl.DataFrame]:
    any_row = False
    for frame in csv.batches():
        any_row = True
        yield from frame.iter_slices(batch_rows)
    if not any_row:
        yield _empty(csv.names)


def _format(source: Source, options: ReadOptions) -> Literal["csv", "json_lines", "parquet"]:
    if options.format is not None:
        if options.format not in ("csv", "json_lines", "parquet"):
            raise UsageError(f"format must be csv, json_lines or parquet, got {options.format!r}")
        return options.format
    if source.head.startswith(b"PAR1"):
        return "parquet"
    return "json_lines" if looks_like_json(source.head) else "csv"


def _empty(names: list[str]) -> pl.DataFrame:
    return pl.DataFrame({name: [] for name in names}, schema=dict.fromkeys(names, pl.String))


def _refuse_empty(frame: pl.DataFrame, name: str) -> None:
    if not frame.height:
        raise DataError(f"{name} has a header but no row: there is nothing to learn from.")


def _digest(frame: pl.DataFrame) -> str:
    digest = hashlib.sha256()
    for name, kind, *content in to_columns(frame):
        digest.update(f"{name}\0{kind}\0".encode())
        for part in content:
            digest.update(memoryview(part).cast("B") if not isinstance(part, bytes) else part)
    return digest.hexdigest()


@contextmanager
def _typed_errors(name: str) -> Iterator[None]:
    """Turn whatever Polars raises over a Parquet file into a DataError."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, DataError, MemoryError):
        raise
    except BaseException as error:  # Polars may panic over a damaged file
        reason = str(error).strip().partition("\n")[0]
        raise DataError(
            f"{name} is not a Parquet file that can be read: {reason}. Is it complete?"
        ) from None


def _parquet(file: IO[bytes], name: str) -> pl.DataFrame:
    with _typed_errors(name):
        frame = pl.read_parquet(file)
    return plain_types(frame, name)


@contextmanager
def _on_disk(source: Source) -> Iterator[Path]:
    """Parquet is read from its end: standard input and gzip go to a temporary file first."""
    if source.path is not None and not source.compression:
        yield source.path
        return
    with tempfile.NamedTemporaryFile(suffix=".parquet") as spool:
        for chunk in source.chunks(_PIECE):
            spool.write(chunk)
        spool.flush()
        yield Path(spool.name)


def _parquet_batches(source: Source, batch_rows: int) -> Iterator[pl.DataFrame]:
    with _on_disk(source) as path:
        with _typed_errors(source.name):
            lazy = pl.scan_parquet(path, glob=False)
            n_rows = int(lazy.select(pl.len()).collect().item())
        for start in range(0, max(n_rows, 1), batch_rows):
            with _typed_errors(source.name):
                frame = lazy.slice(start, batch_rows).collect()
            yield plain_types(frame, source.name)
