"""Values of parameters and attributes as JSON and tensors, and back to the same values.

Plain JSON stands for itself: None, bool, int, finite float, str, and lists of values.  Everything
else is a dict with a ``type`` from a closed list: ``float`` (NaN and infinities), ``tuple``,
``dict``, ``array``, ``scalar`` (of NumPy), ``strings`` (array of text), ``objects`` (array of plain
values), ``rows`` (a sparse matrix of compressed rows), ``labels`` (a fitted label encoder),
``categories`` (the encoder of boosted trees) and ``estimator`` (a native one, a member of an
ensemble).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

from smelt.errors import ModelFileError
from smelt.export.category_encoder import (
    describe_encoder,
    is_category_encoder,
    restore_encoder,
)

_DTYPES = frozenset(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)) | {
    "bool",
    "float32",
    "float64",
}


class Encoder:
    """Turns values into JSON, and collects the arrays among them as tensors."""

    def __init__(self) -> None:
        self.tensors: dict[str, np.ndarray] = {}

    def encode(self, value: Any, name: str) -> Any:
        """Return the JSON that stands for ``value``; ``name`` names its tensors."""
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"type": "float", "value": repr(value)}
        if type(value) is list:
            return [self.encode(item, f"{name}.{k}") for k, item in enumerate(value)]
        if type(value) is tuple:
            items = [self.encode(item, f"{name}.{k}") for k, item in enumerate(value)]
            return {"type": "tuple", "items": items}
        if type(value) is dict:
            items = [
                [self.encode(key, f"{name}.key{k}"), self.encode(item, f"{name}.{_plain(key, k)}")]
                for k, (key, item) in enumerate(value.items())
            ]
            return {"type": "dict", "items": items}
        if isinstance(value, np.generic) and not isinstance(value, (np.str_, np.bytes_)):
            return {"type": "scalar", "tensor": self._tensor(np.asarray(value), name)}
        if type(value) is np.ndarray:
            return self._array(value, name)
        if sp.issparse(value) and value.format == "csr":
            parts = {part: getattr(value, part) for part in ("indptr", "indices", "data")}
            code = {part: self._array(array, f"{name}.{part}") for part, array in parts.items()}
            is_array = isinstance(value, sp.sparray)
            return {"type": "rows", "shape": list(value.shape), "is_array": is_array, **code}
        if type(value).__module__.startswith("sklearn.") and type(value).__name__ == "LabelEncoder":
            return {"type": "labels", "classes": self.encode(value.classes_, f"{name}.classes_")}
        if is_category_encoder(value):
            return {"type": "categories", "state": self.encode(describe_encoder(value), name)}
        from smelt.export.estimator_file import is_native, state_of

        if is_native(value):
            return {"type": "estimator", **state_of(value, self, f"{name}.")}
        raise TypeError(
            f"{name} is a {type(value).__module__}.{type(value).__qualname__}, which a model file "
            "has no place for"
        )

    def _tensor(self, array: np.ndarray, name: str) -> str:
        if array.dtype.name not in _DTYPES or not array.dtype.isnative:
            raise TypeError(
                f"{name} is an array of {array.dtype}, which a model file has no place for"
            )
        self.tensors[name] = np.ascontiguousarray(array).reshape(array.shape)
        return name

    def _array(self, array: np.ndarray, name: str) -> Any:
        if array.dtype.kind == "U" or (
            array.dtype == object and array.size and all(type(x) is str for x in array.flat)
        ):
            pieces = [str(text).encode() for text in array.flat]
            ends = np.cumsum([0, *map(len, pieces)], dtype=np.uint64)
            self.tensors[f"{name}.offsets"] = ends
            self.tensors[f"{name}.blob"] = np.frombuffer(b"".join(pieces), dtype=np.uint8)
            width = array.dtype.itemsize // 4 if array.dtype.kind == "U" else None
            shape = list(array.shape)
            return {"type": "strings", "tensor": name, "shape": shape, "width": width}
        if array.dtype == object:
            items = [self.encode(item, f"{name}.{k}") for k, item in enumerate(array.flat)]
            return {"type": "objects", "shape": list(array.shape), "items": items}
        fortran = array.flags.f_contiguous and not array.flags.c_contiguous
        order = {"order": "F"} if fortran else {}
        return {"type": "array", "tensor": self._tensor(array, name), **order}


def _plain(key: Any, position: int) -> str:
    return key if isinstance(key, str) and key.isidentifier() else str(position)


class Decoder:
    """Turns JSON back into values, with the tensors of the file at hand."""

    def __init__(self, tensors: Mapping[str, np.ndarray]) -> None:
        self._tensors = tensors

    def decode(self, code: Any) -> Any:
        """Return the value that ``code`` stands for."""
        if code is None or isinstance(code, (bool, int, float, str)):
            return code
        if isinstance(code, list):
            return [self.decode(item) for item in code]
        kind = code.get("type")
        method = _DECODERS.get(kind) if isinstance(kind, str) else None
        if method is None:
            raise ModelFileError(f"a value has the unknown type {kind!r:.40}")
        return method(self, code)

    def _float(self, code: dict[str, Any]) -> float:
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[code["value"]]

    def _tuple(self, code: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(self.decode(item) for item in code["items"])

    def _dict(self, code: dict[str, Any]) -> dict[Any, Any]:
        return {self.decode(key): self.decode(item) for key, item in code["items"]}

    def _scalar(self, code: dict[str, Any]) -> Any:
        array = self._tensors[code["tensor"]]
        if array.shape != ():
            raise ModelFileError("a scalar has axes")
        return array[()]

    def _array(self, code: dict[str, Any]) -> np.ndarray:
        array = self._tensors[code["tensor"]]
        return np.asfortranarray(array) if code.get("order") == "F" else array

    def _strings(self, code: dict[str, Any]) -> np.ndarray:
        name, width = code["tensor"], code["width"]
        offsets = self._tensors[f"{name}.offsets"].astype(np.int64)
        blob = self._tensors[f"{name}.blob"].tobytes()
        if offsets[0] != 0 or offsets[-1] != len(blob) or (np.diff(offsets) < 0).any():
            raise ModelFileError("the offsets of a text do not fit it")
        pairs = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
        texts = [blob[start:end].decode() for start, end in pairs]
        if width is not None:
            longest = max(map(len, texts), default=0)
            if not longest <= width <= longest + 1000 or width * len(texts) > 100_000_000:
                raise ModelFileError("the width of a text array does not fit its texts")
        array = np.empty(len(texts), dtype=object if width is None else f"<U{width}")
        array[:] = texts
        return array.reshape(_shape(code))

    def _objects(self, code: dict[str, Any]) -> np.ndarray:
        array = np.empty(len(code["items"]), dtype=object)
        for k, item in enumerate(code["items"]):
            array[k] = self.decode(item)
        return array.reshape(_shape(code))

    def _rows(self, code: dict[str, Any]) -> Any:
        n_rows, n_columns = _shape(code)
        indptr, indices, data = (self.decode(code[part]) for part in ("indptr", "indices", "data"))
        whole = all(part.ndim == 1 and part.dtype.kind == "i" for part in (indptr, indices))
        if not whole or data.ndim != 1 or not len(indptr) == n_rows + 1:
            raise ModelFileError("the parts of a sparse matrix do not fit its shape")
        if indptr[0] != 0 or not indptr[-1] == len(indices) == len(data):
            raise ModelFileError("the rows of a sparse matrix do not fit its entries")
        if (np.diff(indptr) < 0).any() or ((indices < 0) | (indices >= n_columns)).any():
            raise ModelFileError("a sparse matrix has entries outside of it")
        kind = sp.csr_array if code["is_array"] is True else sp.csr_matrix
        matrix = kind((data, indices, indptr), shape=(n_rows, n_columns))
        matrix.indptr, matrix.indices = indptr, indices  # the width of numbers that they had
        return matrix

    def _labels(self, code: dict[str, Any]) -> Any:
        from sklearn.preprocessing import LabelEncoder

        encoder = LabelEncoder()
        encoder.classes_ = self.decode(code["classes"])
        return encoder

    def _categories(self, code: dict[str, Any]) -> Any:
        return restore_encoder(self.decode(code["state"]))

    def _estimator(self, code: dict[str, Any]) -> Any:
        from smelt.export.estimator_file import restore_state

        return restore_state(code, self)


def _shape(code: dict[str, Any]) -> tuple[int, ...]:
    shape = tuple(code["shape"])
    if not all(type(axis) is int and axis >= 0 for axis in shape):
        raise ModelFileError("a shape holds something else than lengths")
    return shape


_DECODERS = {
    "float": Decoder._float,
    "tuple": Decoder._tuple,
    "dict": Decoder._dict,
    "scalar": Decoder._scalar,
    "array": Decoder._array,
    "strings": Decoder._strings,
    "objects": Decoder._objects,
    "rows": Decoder._rows,
    "labels": Decoder._labels,
    "categories": Decoder._categories,
    "estimator": Decoder._estimator,
}
