"""The part of UBJSON that XGBoost writes (``.ubj``), as dicts, lists and arrays."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from smelt.errors import ModelFileError

DEEPEST = 40

_ARRAYS = {
    b"d": ">f4", b"D": ">f8", b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8",
}  # fmt: skip
_NUMBERS = {b"d": ">f", b"D": ">d", b"i": ">b", b"U": ">B", b"I": ">h", b"l": ">i", b"L": ">q"}
_PLAIN = {b"Z": None, b"T": True, b"F": False}


def read_ubjson(data: bytes) -> Any:
    """Return the value that a file holds; arrays of one type come as NumPy arrays."""
    reader = _Reader(data)
    value = reader.value(reader.take(1), 0)
    if reader.at != len(data):
        raise ModelFileError(f"bytes follow the end of the model (byte {reader.at})")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, n: int) -> bytes:
        if not 0 <= n <= len(self.data) - self.at:
            raise ModelFileError(f"the file is cut off, or damaged, at byte {self.at}")
        self.at += n
        return self.data[self.at - n : self.at]

    def value(self, marker: bytes, depth: int) -> Any:
        if depth > DEEPEST:
            raise ModelFileError(f"values are nested more than {DEEPEST} deep (byte {self.at})")
        if marker == b"{":
            return self.object(depth)
        if marker == b"[":
            return self.array(depth)
        if marker == b"S":
            return self.text()
        if marker == b"C":
            return chr(self.take(1)[0])
        if marker in _PLAIN:
            return _PLAIN[marker]
        return self.number(marker)

    def number(self, marker: bytes) -> Any:
        form = _NUMBERS.get(marker)
        if form is None:
            raise ModelFileError(f"a value of unknown type {marker!r} (byte {self.at - 1})")
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def length(self) -> int:
        found = self.number(self.take(1))
        if not isinstance(found, int) or found < 0:
            raise ModelFileError(f"a length is no whole number (byte {self.at})")
        return found

    def text(self) -> str:
        try:
            return self.take(self.length()).decode()
        except UnicodeDecodeError:
            raise ModelFileError(f"a text is not UTF-8 (byte {self.at})") from None

    def object(self, depth: int) -> dict[str, Any]:
        found = {}
        while self.data[self.at : self.at + 1] != b"}":
            key = self.text()
            found[key] = self.value(self.take(1), depth + 1)
        self.at += 1
        return found

    def array(self, depth: int) -> Any:
        marker = self.data[self.at : self.at + 1]
        if marker == b"$":
            self.at += 1
            form = _ARRAYS.get(self.take(1))
            if form is None or self.take(1) != b"#":
                raise ModelFileError(f"an array of unknown type (byte {self.at})")
            n_items = self.length()
            return np.frombuffer(self.take(n_items * np.dtype(form).itemsize), form)
        if marker == b"#":
            self.at += 1
            return [self.value(self.take(1), depth + 1) for _ in range(self.length())]
        items = []
        while self.data[self.at : self.at + 1] != b"]":
            items.append(self.value(self.take(1), depth + 1))
        self.at += 1
        return items
