"""Delimited text: header, rows, and what is wrong with them, in batches of constant memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import polars as pl

from smelt import _smelt
from smelt.app.table.delimiter import (
    checked_delimiter,
    delimiter_name,
    separator_line,
    sniff_delimiter,
)
from smelt.app.table.encoding import Decoder
from smelt.app.table.header import looks_like_data
from smelt.app.table.schema import BLANKS, DataWarning, ReadOptions
from smelt.app.table.source import Source
from smelt.errors import DataError

_PIECE = 8 << 20  # bytes read at a time
_LONGEST_RECORD = 256 << 20
_NO_LIMIT = 2**62


class CsvFile:
    """A delimited text file, opened: names of the columns known, rows to be read once."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        self._source = source
        self._decoder = Decoder(source.head, source.name, options.encoding)
        self._buffer = b""
        self._ended = False
        self._line = 1
        self._piece = _PIECE
        self.warnings: list[DataWarning] = []
        self._fill(len(source.head))
        self.delimiter = self._find_delimiter(options)
        self.names = self._read_header(options.header)
        self._has_header = options.header
        self._piece = max(_PIECE, 512 * len(self.names))
        if any(len(column) for column in self.names):
            self._check_names()

    @property
    def encoding(self) -> str:
        """The encoding as far as it is known by now (``ascii``: nothing but ASCII so far)."""
        return self._decoder.encoding

    def batches(self) -> Iterator[pl.DataFrame]:
        """Return the rows; every column is text, a cell without content is null."""
        first = True
        while True:
            parsed = self._parse(len(self.names), _NO_LIMIT)
            if parsed["n_records"]:
                frame = self._frame(parsed["columns"])
                if first and self._has_header:
                    self._check_header(frame)
                first = False
                yield frame
            if parsed["fault"]:
                raise DataError(self._explain(parsed["fault"], first))
            if self._ended:
                break
            self._grow(parsed["consumed"])
        self.warnings.extend(self._decoder.warnings())

    def _fill(self, size: int) -> None:
        piece = self._source.read(size)
        self._ended = len(piece) < size
        self._buffer += self._decoder.decode(piece, self._ended)

    def _grow(self, consumed: int) -> None:
        """Read on; a record that fills the buffer doubles it."""
        if not consumed and len(self._buffer) > _LONGEST_RECORD:
            raise DataError(
                f"{self._source.name}, line {self._line}: the row is longer than "
                f"{_LONGEST_RECORD >> 20} MB; a quote is probably opened there and never closed."
            )
        self._fill(self._piece if consumed else max(self._piece, len(self._buffer)))

    def _parse(self, n_fields: int | None, max_records: int) -> dict[str, Any]:
        parsed: dict[str, Any] = _smelt.table.csv_parse(
            self._buffer, ord(self.delimiter), n_fields, self._line, self._ended, max_records
        )
        self._buffer = self._buffer[parsed["consumed"] :]
        self._line = parsed["next_line"]
        return parsed

    def _find_delimiter(self, options: ReadOptions) -> str:
        named = separator_line(self._buffer)
        if named is not None:
            self._buffer = self._buffer[named[1] :]
            self._line += 1
        if options.delimiter is not None:
            return checked_delimiter(options.delimiter)
        return named[0] if named else sniff_delimiter(self._buffer, self._ended)

    def _read_header(self, header: bool) -> list[str]:
        while True:
            before, line = self._buffer, self._line
            parsed = self._parse(None, 1)
            if parsed["fault"]:
                raise DataError(self._explain(parsed["fault"], True))
            if parsed["n_records"]:
                break
            if self._ended:
                raise DataError(f"{self._source.name} holds nothing but blank lines.")
            self._grow(parsed["consumed"])
        cells = [cell.decode().strip(BLANKS) for cell in parsed["columns"]]
        if not header:
            self._buffer, self._line = before, line
            return [f"column_{k}" for k in range(1, len(cells) + 1)]
        while len(cells) > 1 and not cells[-1]:  # delimiters at the end of the line
            cells.pop()
        return cells

    def _check_names(self) -> None:
        name = self._source.name
        doubles = [cell for cell, count in Counter(self.names).items() if count > 1 and cell]
        if doubles:
            where = [k for k, cell in enumerate(self.names, 1) if cell == doubles[0]]
            more = f" ({len(doubles)} names are doubled)" if len(doubles) > 1 else ""
            hint = (
                " The first line looks like data: if the file has no header, add one."
                if all(_is_number(cell) for cell in doubles)
                else " Rename or remove one of them."
            )
            raise DataError(
                f"{name}: the columns {', '.join(map(str, where[:10]))} have the same name "
                f"{doubles[0]!r}{more}.{hint}"
            )
        empty = [k for k, cell in enumerate(self.names, 1) if not cell]
        if not empty:
            return
        for k in empty:
            self.names[k - 1] = _free_name(f"column_{k}", self.names)
        listed = ", ".join(map(str, empty[:10])) + (" …" if len(empty) > 10 else "")
        self.warnings.append(
            DataWarning(
                "column_names",
                self.names[empty[0] - 1],
                f"{name}: the header has no name for column {listed}; it is called "
                f"{self.names[empty[0] - 1]!r}{' and so on' if len(empty) > 1 else ''}.",
                "Give the column a name, unless it only numbers the rows.",
            )
        )

    def _check_header(self, frame: pl.DataFrame) -> None:
        why = looks_like_data(self.names, frame)
        if why:
            self.warnings.append(
                DataWarning(
                    "header",
                    None,
                    f"{self._source.name}: the first line looks like data, not a header: {why}.",
                    "If the file has no header, add a line with the names of the columns.",
                )
            )

    def _frame(self, columns: list[bytes]) -> pl.DataFrame:
        joined = pl.DataFrame(
            {name: [cells] for name, cells in zip(self.names, columns, strict=True)}
        )
        cells = joined.select(pl.all().cast(pl.String).str.split("\0").explode())
        return cells.select(pl.when(pl.all() != "").then(pl.all()))

    def _explain(self, fault: dict[str, Any], at_start: bool) -> str:
        where = f"{self._source.name}, line {fault['line']}"
        text = f": {fault['text']!r}" if fault["text"] else ""
        if fault["kind"] == "open_quote":
            return (
                f'{where}: a quote (") is opened and not closed until the end of the file. '
                'Close it; a quote within quotes is written twice ("").'
            )
        if fault["kind"] == "after_quote":
            hint = (
                'Quotes are escaped with backslashes here; write \\" as "".'
                if '\\"' in fault["text"]
                else 'A quote within quotes is written twice ("").'
            )
            return f"{where}: text follows a closing quote{text}. {hint}"
        if fault["kind"] == "nul":
            return (
                f"{where}: a NUL byte, which no text contains. The file is damaged, binary, or in "
                "an encoding that was not recognised (name it, e.g. utf-16-le)."
            )
        expected, found = fault["expected"], fault["found"]
        delimiter = delimiter_name(self.delimiter)
        if expected == 1 or (at_start and found > expected + 1):
            hint = "Is the first line a title above the header? Remove it."
        elif found == expected + 1 and at_start:
            hint = "Does the header lack a name for the first column (row names)? Add one."
        elif found > expected:
            hint = f"A cell that contains a {delimiter} must be in double quotes."
        else:
            hint = "The row is cut short, or a quote before it is not closed."
        of_header = "the header has" if self._has_header else "the first row has"
        return (
            f"{where}: {found} field{'s' * (found != 1)} where {of_header} {expected} "
            f"(delimiter: {delimiter}){text}. {hint}"
        )


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _free_name(name: str, taken: list[str]) -> str:
    while name in taken:
        name += "_"
    return name
