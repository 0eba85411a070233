"""XGBoost's JSON or UBJSON as sections that are asked for values of a type, each with its path."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from smelt.errors import ModelFileError
from smelt.export.boosters.xgboost_ubjson import read_ubjson

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


class Section:
    """One object of the document."""

    def __init__(self, value: Any, path: str) -> None:
        self.path = path
        if not isinstance(value, dict):
            raise ModelFileError(f"{path} is no object; is this a model of XGBoost?")
        self._value = value

    def __contains__(self, key: str) -> bool:
        return key in self._value

    def fail(self, key: str, what: str) -> ModelFileError:
        """Return the error for a key."""
        return ModelFileError(f"{self.path}.{key}: {what}")

    def get(self, key: str) -> Any:
        """Return a value of any type."""
        if key not in self._value:
            raise ModelFileError(f"{self.path} has no {key!r}; is this a model of XGBoost?")
        return self._value[key]

    def section(self, key: str) -> Section:
        """Return an object in this one."""
        return Section(self.get(key), f"{self.path}.{key}")

    def sections(self, key: str) -> Iterator[Section]:
        """Yield the objects of a list."""
        found = self.get(key)
        if not isinstance(found, list):
            raise self.fail(key, "no list")
        for k, value in enumerate(found):
            yield Section(value, f"{self.path}.{key}[{k}]")

    def text(self, key: str) -> str:
        """Return a text."""
        found = self.get(key)
        if not isinstance(found, str):
            raise self.fail(key, f"{found!r:.40} is no text")
        return found

    def texts(self, key: str) -> list[str]:
        """Return a list of texts; an empty one where there is no such key."""
        found = self._value.get(key, [])
        if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
            raise self.fail(key, "no list of texts")
        return found

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Return an integer that is written as text, within limits."""
        if key not in self._value and default is not None:
            return default
        found = self.get(key)
        try:
            number = int(found)
        except (TypeError, ValueError, OverflowError):
            raise self.fail(key, f"{found!r:.40} is no integer") from None
        if not low <= number <= high:
            raise self.fail(key, f"{number} is not between {low} and {high}")
        return number

    def numbers(self, key: str) -> np.ndarray:
        """Return the numbers in a text such as ``[5E-1,2E0]`` or ``0.5``."""
        found = np.array([float(x) for x in _NUMBER.findall(self.text(key))])
        if not len(found) or not np.isfinite(found).all():
            raise self.fail(key, f"{self.text(key)!r:.60} is not made of finite numbers")
        return found

    def integers(self, key: str, size: int | None = None) -> np.ndarray:
        """Return a list of integers."""
        return self._array(key, "biu", size).astype(np.int64)

    def floats(self, key: str, size: int | None = None) -> np.ndarray:
        """Return a list of numbers, as 32-bit ones."""
        with np.errstate(over="ignore"):
            return self._array(key, "biuf", size).astype(np.float32)

    def _array(self, key: str, kinds: str, size: int | None) -> np.ndarray:
        found = self.get(key)
        if not isinstance(found, (list, np.ndarray)):
            raise self.fail(key, "no list")
        try:
            array = np.array(found) if len(found) else np.zeros(0, dtype=np.int8)
        except (ValueError, TypeError, OverflowError):
            raise self.fail(key, "no list of numbers") from None
        if array.ndim != 1 or array.dtype.kind not in kinds:
            raise self.fail(key, f"no list of {'numbers' if 'f' in kinds else 'integers'}")
        if size is not None and len(array) != size:
            raise self.fail(key, f"{len(array)} values where {size} belong")
        return array


def read_document(data: bytes) -> Section:
    """Read a file of XGBoost, JSON or UBJSON."""
    if data[:1] == b"{" and data[1:2] in (b"L", b"i", b"U", b"I", b"l"):
        return Section(read_ubjson(data), "the file")
    try:
        return Section(json.loads(data), "the file")
    except json.JSONDecodeError as error:
        hint = None
        if data.startswith(b"tree"):
            hint = "smelt.export.from_lightgbm reads models of LightGBM"
        elif data.startswith((b"binf", b"CONFIG-offset:")):
            hint = "it is XGBoost's old binary format: save it as JSON with booster.save_model"
        raise ModelFileError(
            f"line {error.lineno}, column {error.colno} is no JSON: {error.msg}", hint=hint
        ) from None
    except RecursionError:
        raise ModelFileError("its JSON is nested too deeply") from None
    except ValueError as error:  # not UTF-8, or an integer of thousands of digits
        raise ModelFileError(f"the file is no JSON ({str(error)[:80]})") from None
