"""JSON lines (one object a line), or a JSON array of objects, in batches."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from smelt.app.table.encoding import Decoder
from smelt.app.table.schema import plain_number
from smelt.app.table.source import Source
from smelt.errors import DataError

_PIECE = 4 << 20


def looks_like_json(head: bytes) -> bool:
    """Tell whether a text starts as an object or an array of objects."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1024]
    if start.startswith(b"["):
        return start[1:].lstrip().startswith((b"{", b"]"))
    return start.startswith(b"{") and start[1:].lstrip().startswith((b'"', b"}"))


class JsonFile:
    """A file of JSON objects, opened."""

    def __init__(self, source: Source, encoding: str | None) -> None:
        self._source = source
        self._decoder = Decoder(source.head, source.name, encoding)

    @property
    def encoding(self) -> str:
        """The encoding as far as it is known by now."""
        return self._decoder.encoding

    def batches(self, batch_rows: int | None) -> Iterator[pl.DataFrame]:
        """Return the rows; all batches have the columns of the first (None: one batch)."""
        names: list[str] | None = None
        rows: list[dict[str, Any]] = []
        for line, row in self._objects():
            if names is not None and (new := row.keys() - set(names)):
                raise DataError(
                    f"{self._source.name}, line {line}: the key {min(new)!r} does not occur in the "
                    f"first {batch_rows} rows, which decide on the columns. Add it to the first."
                )
            rows.append(row)
            if batch_rows is not None and len(rows) >= batch_rows:
                frame = self._frame(rows, names)
                names, rows = frame.columns, []
                yield frame
        if rows:
            yield self._frame(rows, names)
        elif names is None:
            raise DataError(f"{self._source.name} holds no row.")

    def _objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        if self._source.head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
            yield from self._array()
            return
        for number, line in enumerate(self._lines(), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError(
                    f"{self._source.name}, line {number}: no valid JSON ({error})."
                ) from None
            yield number, self._checked(row, number)

    def _array(self) -> Iterator[tuple[int, dict[str, Any]]]:
        text = b"".join(self._lines())
        try:
            rows = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{self._source.name}: no valid JSON ({error}).") from None
        for number, row in enumerate(rows, 1):
            yield number, self._checked(row, number)

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        while True:
            piece = self._source.read(_PIECE)
            last = len(piece) < _PIECE
            rest += self._decoder.decode(piece, last)
            lines = rest.split(b"\n")
            if last:
                yield from lines
                return
            rest = lines.pop()
            yield from lines

    def _checked(self, row: Any, number: int) -> dict[str, Any]:
        if not isinstance(row, dict):
            raise DataError(
                f"{self._source.name}, line {number}: an object {{…}} is needed, got "
                f"{type(row).__name__} {str(row)[:40]!r}."
            )
        for name, value in row.items():
            if isinstance(value, (dict, list)):
                raise DataError(
                    f"{self._source.name}, line {number}: {name!r} holds "
                    f"{'an object' if isinstance(value, dict) else 'an array'}; a cell holds one "
                    "value. Flatten it into columns of its own."
                )
        return row

    def _frame(self, rows: list[dict[str, Any]], names: list[str] | None) -> pl.DataFrame:
        if names is None:
            names = list(dict.fromkeys(name for row in rows for name in row))
        stripped = [name.strip() for name in names]
        for name in stripped:
            if not name or stripped.count(name) > 1:
                raise DataError(
                    f"{self._source.name}: the column name {name!r} is empty or doubled."
                )
        return pl.DataFrame([to_series(name, [row.get(name) for row in rows]) for name in names])


def to_series(name: str, values: Iterable[Any]) -> pl.Series:
    """Make a column of Python values: booleans, numbers or text; a mixture becomes text."""
    cells = list(values)
    kinds = {type(cell) for cell in cells} - {type(None)}
    if kinds == {bool}:
        return pl.Series(name, cells, dtype=pl.Boolean)
    if kinds and kinds <= {int, float}:
        return pl.Series(name, [None if c is None else _float(c) for c in cells], dtype=pl.Float64)
    return pl.Series(name, [_text(cell) for cell in cells], dtype=pl.String)


def _float(number: int | float) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def _text(cell: Any) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (int, float)):
        return plain_number(_float(cell)) if abs(_float(cell)) < 1e15 else str(cell)
    text = str(cell)
    return text.encode("utf-8", "replace").decode()
