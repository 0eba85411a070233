"""Saving and loading ``.smelt`` files: pipelines and single estimators."""

from __future__ import annotations

import datetime
import json
import math
import os
from pathlib import Path
from typing import Any

from smelt import _smelt
from smelt._version import __version__
from smelt.errors import ModelFileError
from smelt.export.model import Model

FORMAT = 1


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Save a fitted native estimator, or a model of :func:`smelt.train`, as a ``.smelt`` file.

    The file is a valid safetensors file with a manifest and a hash.  It appears as a whole or not
    at all.

    Parameters
    ----------
    model : estimator or Model
        One of the estimators that :func:`smelt.native` lists, or what :func:`load` gave back.
    path : path-like
        Where to write; an existing file is replaced.

    Raises
    ------
    TypeError
        If the model is of another class, or holds something that the format has no place for.
    UsageError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib, smelt
    >>> from smelt.linear_model import Ridge
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "ridge.smelt"
    >>> smelt.save(Ridge().fit([[0.0], [1.0], [2.0]], [1.0, 2.0, 3.0]), path)
    >>> smelt.load(path)
    Ridge()
    """
    if isinstance(model, Model):
        data = model.to_bytes()
    else:
        from smelt.export.estimator_file import describe

        manifest, tensors = describe(model)
        data = to_bytes(manifest, tensors)
    write_model(path, data)


def load(path: str | os.PathLike[str]) -> Any:
    """Load a ``.smelt`` file: an estimator, or a :class:`~smelt.export.model.Model`.

    Loading runs no code from the file: sizes, offsets and indices are checked, operations and
    classes come from closed lists.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    estimator or Model

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, hostile, or newer than this reader.
    """
    data = _read(path)
    handle = _checked(data, path)
    if handle.kind == "pipeline":
        return Model(handle, data)
    from smelt.export.estimator_file import restore

    try:
        return restore(_manifest(handle), handle.tensors())
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None


def open_model(source: str | os.PathLike[str] | bytes) -> Model:
    """Open the model file of a pipeline, given its path or its bytes; needs no scikit-learn."""
    name = "the model file" if isinstance(source, bytes) else source
    data = source if isinstance(source, bytes) else _read(source)
    handle = _checked(data, name)
    if handle.kind != "pipeline":
        raise ModelFileError(
            f"{name}: holds a single estimator, not a model that reads a table",
            hint="load it in Python with smelt.load",
        )
    return Model(handle, data)


def to_bytes(manifest: dict[str, Any], tensors: dict[str, Any]) -> bytes:
    """Return the bytes of a model file; the same arguments give the same bytes.

    ``format``, ``smelt`` and ``created`` are filled in where the manifest lacks them.  The rows of
    ``manifest["selftest"]["rows"]`` are predicted, and become what :meth:`Model.verify` expects.
    The result has been read back and passed every check.
    """
    import numpy as np

    filled = {"format": FORMAT, "smelt": __version__, "created": _now(), **manifest}
    if filled.get("selftest"):
        names = {"expected": "selftest.expected"}
        rows = [
            {name: _finite(cell) for name, cell in row.items()}
            for row in filled["selftest"]["rows"]
        ]
        filled["selftest"] = {"rows": rows, "tensors": names}
    arrays = {name: np.require(array, requirements="C") for name, array in tensors.items()}
    return _smelt.model.to_bytes(canonical_json(filled), arrays)


def write_model(path: str | os.PathLike[str], data: bytes) -> None:
    """Write the bytes of a model file: as a whole or not at all."""
    from smelt.app.output import check_output, whole_file

    target = Path(path)
    check_output(target)
    with whole_file(target) as file:
        file.write(data)


def canonical_json(manifest: dict[str, Any]) -> str:
    """Return the one text that stands for a manifest: sorted keys, no blanks, no NaN."""
    try:
        return json.dumps(
            manifest,
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
            default=_plain,
        )
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"the manifest cannot be written as JSON: {error}") from None


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays as JSON knows them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} {value!r:.40} is no JSON value")


def _finite(cell: Any) -> Any:
    """NaN and infinity, which JSON lacks and the graph takes as missing, become None."""
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _now() -> str:
    """Return the time of writing; SOURCE_DATE_EPOCH fixes it for builds that must repeat."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    now = datetime.datetime.now(datetime.UTC)
    if fixed.isdigit():
        now = datetime.datetime.fromtimestamp(int(fixed), datetime.UTC)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"there is no file {path}", hint="check the path") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ModelFileError(f"cannot read {path}: {reason}") from None


def _checked(data: bytes, name: Any) -> Any:
    try:
        return _smelt.model.Model(data)
    except ModelFileError as error:
        raise ModelFileError(f"{name}: {error}") from None


def _manifest(handle: Any) -> dict[str, Any]:
    return json.loads(handle.manifest)  # type: ignore[no-any-return]
