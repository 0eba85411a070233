"""One fitted estimator as a manifest and tensors, and back."""

from __future__ import annotations

import difflib
from typing import Any

from smelt._native import NATIVE, load_native
from smelt.errors import ModelFileError
from smelt.export.attributes import Decoder, Encoder
from smelt.export.restored import check_restored


def describe(estimator: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return manifest and tensors of a native estimator."""
    encoder = Encoder()
    name = _native_name(estimator)
    try:
        state = state_of(estimator, encoder)
    except TypeError as error:
        raise TypeError(f"smelt.save cannot save this {name.rpartition('.')[2]}: {error}") from None
    return {"kind": "estimator", "estimator": state}, encoder.tensors


def state_of(estimator: Any, encoder: Encoder, prefix: str = "") -> dict[str, Any]:
    """Return class, parameters and learned attributes; ``prefix`` names the tensors' owner."""
    params = estimator.get_params(deep=False)
    # What __init__ sets it sets again; what fit learned goes into the file.
    fresh = vars(type(estimator)(**params))
    attributes = {key: value for key, value in vars(estimator).items() if key not in fresh}
    return {
        "class": _native_name(estimator),
        "params": {k: encoder.encode(v, f"{prefix}params.{k}") for k, v in params.items()},
        "attributes": {k: encoder.encode(v, f"{prefix}{k}") for k, v in attributes.items()},
    }


def is_native(value: Any) -> bool:
    """Return whether ``value`` is an instance of a native class."""
    names = [name for name in NATIVE if name.rpartition(".")[2] == type(value).__name__]
    return any(load_native(name) is type(value) for name in names)


def _native_name(estimator: Any) -> str:
    cls = type(estimator)
    for name in NATIVE:
        if name.rpartition(".")[2] == cls.__name__ and load_native(name) is cls:
            return name
    hint = "smelt.native() lists what can be saved"
    if cls.__module__.startswith("sklearn."):
        same = [name for name in NATIVE if name.rpartition(".")[2] == cls.__name__]
        if same:
            hint = f"import {cls.__name__} from smelt.{same[0].rpartition('.')[0]} and fit that"
    raise TypeError(
        f"smelt.save saves native estimators and models of smelt.train, not "
        f"{cls.__module__}.{cls.__qualname__}; {hint}"
    )


def restore(manifest: dict[str, Any], tensors: dict[str, Any]) -> Any:
    """Return the estimator that :func:`describe` described; a fitted one can predict."""
    try:
        return restore_state(manifest["estimator"], Decoder(tensors))
    except ModelFileError:
        raise
    except (
        AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError,
    ) as error:  # fmt: skip
        detail = f"{type(error).__name__}: {error}"
        raise ModelFileError(f"the description of the estimator is damaged ({detail})") from None


def restore_state(state: dict[str, Any], decoder: Decoder) -> Any:
    """Return the estimator that :func:`state_of` described, looked over if it is fitted."""
    estimator = _restore(state, decoder)
    if state["attributes"]:
        check_restored(estimator)
    return estimator


def _restore(state: dict[str, Any], decoder: Decoder) -> Any:
    name = state["class"]
    if name not in NATIVE:
        close = difflib.get_close_matches(str(name), NATIVE, n=1)
        raise ModelFileError(
            f"the file holds a {name!r:.80}, which this smelt does not know"
            + (f" (the closest is {close[0]})" if close else ""),
            hint="a newer smelt may know it",
        )
    cls = load_native(name)
    params = {key: decoder.decode(code) for key, code in state["params"].items()}
    unknown = set(params) - set(cls._get_param_names())
    if unknown:
        raise ModelFileError(
            f"{name} has no parameter {min(unknown)!r}", hint="a newer smelt may know it"
        )
    estimator = cls(**params)
    for key, code in state["attributes"].items():
        if not key.isidentifier() or key.startswith("__") or hasattr(cls, key):
            raise ModelFileError(f"{name} cannot have an attribute {key!r:.80}")
        vars(estimator)[key] = decoder.decode(code)
    return estimator
