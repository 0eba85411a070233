"""Turns the bytes of a text file into UTF-8, finding out the encoding as it goes."""

from __future__ import annotations

import codecs

from smelt.app.table.schema import DataWarning
from smelt.errors import DataError, UsageError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_TEXT_CONTROLS = b"\t\n\x0b\x0c\r\x1b"


def _keep_byte(error: UnicodeError) -> tuple[str, int]:
    """Five bytes have no letter in Windows-1252; as browsers do, they stay what they are."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(map(chr, error.object[error.start : error.end])), error.end


codecs.register_error("smelt.keep_byte", _keep_byte)


class Decoder:
    """Decodes a file piece by piece into UTF-8.

    The encoding is the one asked for, else what a byte order mark says, else UTF-16 where every
    second byte is zero, else UTF-8, and Windows-1252 (which contains Latin-1) where the first byte
    beyond ASCII does not fit UTF-8.
    """

    def __init__(self, head: bytes, name: str, encoding: str | None = None) -> None:
        self._name = name
        self._skip = 0
        self._asked = encoding is not None
        if encoding is None:
            encoding = self._sniff(head)
        else:
            try:
                encoding = codecs.lookup(encoding).name
            except LookupError:
                raise UsageError(
                    f"unknown encoding {encoding!r}; common ones are utf-8, utf-16, cp1252, latin-1"
                ) from None
            if encoding == "utf-8-sig":
                encoding = "utf-8"
            for mark, marked in _MARKS:
                if head.startswith(mark) and marked.startswith(encoding):
                    self._skip, encoding = len(mark), marked
                    break
        self.encoding = encoding  # "ascii" while nothing beyond ASCII has come
        self._decoder = self._make(encoding)
        self._line = 1

    def _sniff(self, head: bytes) -> str:
        for mark, encoding in _MARKS:
            if head.startswith(mark):
                self._skip = len(mark)
                return encoding
        sample = head[:4096]
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        if len(sample) >= 4 and odd > 0.4 * len(sample[1::2]) and even == 0:
            return "utf-16-le"
        if len(sample) >= 4 and even > 0.4 * len(sample[::2]) and odd == 0:
            return "utf-16-be"
        controls = sum(byte < 32 and byte not in _TEXT_CONTROLS for byte in sample)
        if controls > 0.02 * len(sample):
            raise DataError(
                f"{self._name} is no text: {controls} of its first {len(sample)} bytes are control "
                "characters. Give a CSV, Parquet or JSON lines file."
            )
        return "ascii"

    def _make(self, encoding: str) -> codecs.IncrementalDecoder | None:
        if encoding == "ascii" and not self._asked:
            return None
        errors = "smelt.keep_byte" if encoding == "cp1252" else "strict"
        try:
            return codecs.getincrementaldecoder(encoding)(errors)
        except LookupError:
            raise UsageError(f"{encoding!r} is not an encoding of text") from None

    def decode(self, piece: bytes, last: bool) -> bytes:
        """Return the piece as UTF-8; what ends in the middle of a letter waits for the next one."""
        if self._skip:
            piece, self._skip = piece[self._skip :], 0
        if self.encoding in ("ascii", "utf-8") and piece.isascii() and not self._waiting():
            self._line += piece.count(b"\n")
            return piece
        if self._decoder is None:
            try:
                codecs.getincrementaldecoder("utf-8")().decode(piece, last)
                self.encoding = "utf-8"
            except UnicodeDecodeError as error:
                # Letters that are valid UTF-8 are hardly ever anything else.
                self.encoding = "cp1252" if piece[: error.start].isascii() else "utf-8"
            self._decoder = self._make(self.encoding)
        assert self._decoder is not None
        try:
            text = self._decoder.decode(piece, last)
        except (UnicodeError, ValueError) as error:
            raise DataError(self._explain(piece, error)) from None
        if not isinstance(text, str):
            raise UsageError(f"{self.encoding!r} is not an encoding of text")
        self._line += text.count("\n")
        return text.encode("utf-8", "replace")

    def _waiting(self) -> bool:
        return self._decoder is not None and self._decoder.getstate()[0] != b""

    def _explain(self, piece: bytes, error: Exception) -> str:
        start = getattr(error, "start", 0)
        line = self._line + piece[:start].count(b"\n")
        why = "as asked for" if self._asked else "as everything before it"
        return (
            f"{self._name}, about line {line}: the bytes are not {self.encoding} ({why}). The file "
            "is damaged or mixes encodings; convert it to UTF-8 (iconv), or name its encoding."
        )

    def warnings(self) -> list[DataWarning]:
        """What the user should know about the encoding."""
        if self.encoding != "cp1252" or self._asked:
            return []
        return [
            DataWarning(
                "encoding",
                None,
                f"{self._name} is not UTF-8; it was read as Windows-1252 (Western European).",
                "If letters look wrong, name the encoding or save the file as UTF-8.",
            )
        ]
