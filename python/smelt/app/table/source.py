"""Opens a file or standard input as a stream of bytes: gzip taken off, counted and hashed."""

from __future__ import annotations

import difflib
import gzip
import hashlib
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO

from smelt.errors import DataError

HEAD = 1 << 20  # bytes looked at before anything is decided

# What a file starts with when it is none of ours, and what to do about it.
_FOREIGN = (
    (b"PK\x03\x04", "an Excel or zip file", "save the sheet as CSV, or unpack the archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file", "save the sheet as CSV"),
    (b"BZh", "compressed with bzip2", "decompress it first (bunzip2), or use gzip"),
    (b"\xfd7zXZ\x00", "compressed with xz", "decompress it first (unxz), or use gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "decompress it first (unzstd), or use gzip"),
    (b"%PDF", "a PDF", "export the table as CSV"),
    (b"\x89PNG", "an image", "give a CSV, Parquet or JSON lines file"),
    (b"\xff\xd8\xff", "an image", "give a CSV, Parquet or JSON lines file"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV (sqlite3 -csv)"),
    (b"\x93NUMPY", "a NumPy array", "give smelt.train a data frame, or save a CSV"),
    (b"\x7fELF", "a program", "give a CSV, Parquet or JSON lines file"),
    (b"ORC", "an ORC file", "save it as Parquet"),
    (b"Obj\x01", "an Avro file", "save it as Parquet"),
    (b"ARROW1", "an Arrow file", "save it as Parquet"),
    (b"RDX", "an R data file", "write it with write.csv"),
)
_MARKUP = (b"<!doctype html", b"<html", b"<?xml")


class _Pushback(io.RawIOBase):
    """A raw stream that gives a head back first, and counts and hashes what the file holds."""

    def __init__(self, raw: IO[bytes], head: bytes) -> None:
        self._raw = raw
        self._head = head
        self.n_bytes = 0
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._head:
            piece, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        else:
            piece = self._raw.read(len(buffer))
        buffer[: len(piece)] = piece
        self.n_bytes += len(piece)
        self.digest.update(piece)
        return len(piece)


class Source:
    """Bytes of a file, or of standard input when the path is ``-``; a context manager.

    ``head`` holds the first bytes (after decompression), which :meth:`read` will return again.
    """

    def __init__(self, path: str | Path) -> None:
        self.name = "standard input" if str(path) == "-" else str(path)
        self.path = None if str(path) == "-" else Path(path)
        self._raw = sys.stdin.buffer if self.path is None else _open(self.path)
        try:
            head = _read_all(self._raw, HEAD, self.name)
            if not head:
                raise DataError(f"{self.name} is empty: there is nothing to read.")
            self.compression = "gzip" if head[:2] == b"\x1f\x8b" else None
            self._pushback = _Pushback(self._raw, head)
            self._stream: IO[bytes] = io.BufferedReader(self._pushback, HEAD)
            self.head = head
            if self.compression:
                self._stream = gzip.GzipFile(fileobj=self._stream)  # type: ignore[assignment]
                self.head = _read_all(self._stream, HEAD, self.name)
                if not self.head:
                    raise DataError(f"{self.name} is empty once decompressed.")
            self._given = 0
            _refuse_foreign(self.head, self.name)
        except BaseException:
            self.close()
            raise

    def read(self, size: int) -> bytes:
        """Return the next ``size`` bytes, fewer at the end of the file only."""
        pieces = []
        if self.compression and self._given < len(self.head):
            piece = self.head[self._given : self._given + size]
            self._given += len(piece)
            pieces.append(piece)
            size -= len(piece)
        if size:
            pieces.append(_read_all(self._stream, size, self.name))
        return b"".join(pieces)

    def chunks(self, size: int) -> Iterator[bytes]:
        """Return everything in pieces."""
        while chunk := self.read(size):
            yield chunk

    @property
    def n_bytes(self) -> int:
        """Bytes read so far, as the file holds them."""
        return self._pushback.n_bytes

    def sha256(self) -> str:
        """Digest of the bytes read so far, as the file holds them."""
        return self._pushback.digest.hexdigest()

    def close(self) -> None:
        """Close the file (standard input stays open)."""
        if self.path is not None:
            self._raw.close()

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb", buffering=0)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}.{_near(path)}") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; give a file in it.{_inside(path)}") from None
    except PermissionError:
        raise DataError(f"{path} may not be read: permission denied.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be opened: {error}.") from None


def _near(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f" There is no folder {path.parent} either."
    found = difflib.get_close_matches(path.name, names, n=1)
    return f" Did you mean {path.parent / found[0]}?" if found else ""


def _inside(path: Path) -> str:
    endings = (".csv", ".csv.gz", ".tsv", ".parquet", ".jsonl")
    try:
        names = sorted(entry.name for entry in path.iterdir() if entry.name.endswith(endings))
    except OSError:
        return ""
    return f" It holds {', '.join(names[:5])}{' …' if len(names) > 5 else ''}." if names else ""


def _read_all(stream: IO[bytes], size: int, name: str) -> bytes:
    """Read until ``size`` bytes are there or the stream ends."""
    pieces: list[bytes] = []
    try:
        while size > 0:
            piece = stream.read(size)
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{name} is damaged: its gzip data cannot be decompressed ({error}). "
            "Copy or download it again."
        ) from None
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error}.") from None
    return b"".join(pieces)


def _refuse_foreign(head: bytes, name: str) -> None:
    for start, what, remedy in _FOREIGN:
        if head.startswith(start) and (len(start) > 3 or not head[:256].isascii() or b"\0" in head):
            raise DataError(f"{name} is {what}, not a table that smelt reads; {remedy}.")
    if head[:64].lstrip().lower().startswith(_MARKUP):
        raise DataError(
            f"{name} is a web page or XML, not a table; is it an error page instead of the data?"
        )
