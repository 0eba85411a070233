"""The lines of LightGBM's text format as keys and values, each with its place."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from smelt.errors import ModelFileError

_MOST_SHOWN = 60


@dataclass
class Block:
    """Lines ``key=value`` of the head or of one tree."""

    name: str
    values: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, line: str, number: int) -> None:
        """Take in one line."""
        key, _, value = line.partition("=")
        self.values[key] = (value, number)

    def fail(self, key: str, what: str) -> ModelFileError:
        """Return the error for a key."""
        if key not in self.values:
            return ModelFileError(f"{self.name}: {what}")
        return ModelFileError(f"line {self.values[key][1]} ({self.name}), {key}: {what}")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a value as it stands."""
        if key in self.values:
            return self.values[key][0]
        if default is None:
            raise ModelFileError(f"{self.name} has no {key}; is the file cut off?")
        return default

    def integer(self, key: str, low: int, high: int) -> int:
        """Return a value as one integer within limits."""
        (found,) = self.integers(key, 1)
        if not low <= found <= high:
            raise self.fail(key, f"{found} is not between {low} and {high}")
        return int(found)

    def integers(self, key: str, size: int) -> np.ndarray:
        """Return a value as so many integers."""
        words = self._words(key, size)
        try:
            return np.array([int(word) for word in words], dtype=np.int64)
        except (ValueError, OverflowError):
            raise self.fail(key, f"{self._shown(key)} is not made of integers") from None

    def floats(self, key: str, size: int) -> np.ndarray:
        """Return a value as so many numbers."""
        words = self._words(key, size)
        try:
            return np.array([float(word) for word in words], dtype=np.float64)
        except ValueError:
            raise self.fail(key, f"{self._shown(key)} is not made of numbers") from None

    def _words(self, key: str, size: int) -> list[str]:
        words = self.text(key).split()
        if len(words) != size:
            raise self.fail(key, f"{len(words)} values where {size} belong")
        return words

    def _shown(self, key: str) -> str:
        text = self.text(key)
        return repr(text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…")


@dataclass
class Lines:
    """A whole file."""

    head: Block
    trees: list[Block]
    parameters: dict[str, str]
    pandas_categorical: str

    def parameter(self, name: str, default: float) -> float:
        """Return a parameter of the training as a number."""
        try:
            value = float(self.parameters.get(name, default))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ModelFileError(f"the parameter {name} is {self.parameters[name]!r:.60}")
        return value


def read_lines(data: bytes) -> Lines:
    """Cut a file into head, trees, parameters and categories."""
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise ModelFileError(f"the file is no text (byte {error.start} is not UTF-8)") from None
    if lines[0].rstrip() != "tree":
        hint = "smelt.export.from_xgboost reads JSON" if lines[0].startswith("{") else None
        raise ModelFileError(
            f"line 1 is {lines[0][:_MOST_SHOWN]!r}, but a model of LightGBM begins with 'tree'",
            hint=hint,
        )
    head = Block("the head")
    trees: list[Block] = []
    block: Block | None = head
    for at in range(1, len(lines)):
        line = lines[at].rstrip("\r")
        if line.startswith("Tree="):
            if line != f"Tree={len(trees)}":
                raise ModelFileError(f"line {at + 1} is {line[:40]!r}, not 'Tree={len(trees)}'")
            block = Block(f"tree {len(trees)}")
            trees.append(block)
        elif line == "end of trees":
            break
        elif line and block is not None:
            block.add(line, at + 1)
        elif trees:
            block = None
    else:
        raise ModelFileError("the file is cut off: it has no line 'end of trees'")
    parameters, categories = {}, "null"
    for line in lines[at:]:
        if line.startswith("[") and ": " in line:
            name, _, value = line.strip()[1:-1].partition(": ")
            parameters[name] = value
        elif line.startswith("pandas_categorical:"):
            categories = line.partition(":")[2]
    return Lines(head, trees, parameters, categories)
