"""The encoder that boosted trees keep when they were fitted on a frame with categorical columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from smelt.errors import ModelFileError

MOST_CATEGORIES = 1 << 20  #: missing among them
MOST_CELLS = 1 << 24


def is_category_encoder(value: Any) -> bool:
    """Tell whether a value is the encoder that :mod:`smelt.ensemble` makes."""
    cls = type(value)
    return (
        cls.__module__.startswith("sklearn.compose.")
        and cls.__name__ == "ColumnTransformer"
        and [name for name, *_ in value.transformers] == ["encoder", "numerical"]
    )


def describe_encoder(encoder: Any) -> dict[str, Any]:
    """Return what makes the encoder: which columns, their categories, the names of all columns."""
    ordinal = encoder.named_transformers_["encoder"]
    return {
        "mask": np.asarray(encoder.transformers_[0][2], dtype=bool),
        "categories": list(ordinal.categories_),
        "names": getattr(encoder, "feature_names_in_", None),
    }


def restore_encoder(state: dict[str, Any]) -> Any:
    """Return an encoder like the one described: fitted anew on its own categories."""
    from smelt.tree._categories import fit_encoder

    mask, categories, names = state["mask"], state["categories"], state["names"]
    columns = np.flatnonzero(mask)
    if len(columns) != len(categories) or not len(columns):
        raise ModelFileError("the categories do not match the categorical columns")
    n_rows = max(1, *(len(values) for values in categories))
    if n_rows > MOST_CATEGORIES or n_rows * len(mask) > MOST_CELLS:
        raise ModelFileError("a column has more categories than a file may hold")
    X = np.zeros((n_rows, len(mask)), dtype=object)
    for column, values in zip(columns, categories, strict=True):
        X[:, column] = np.resize(np.asarray(values, dtype=object), n_rows)
    encoder, _, _ = fit_encoder(X, mask, n_rows)
    ordinal = encoder.named_transformers_["encoder"]
    if any(len(a) != len(b) for a, b in zip(ordinal.categories_, categories, strict=True)):
        raise ModelFileError("a category occurs twice")
    ordinal.categories_ = categories
    if names is not None:
        if len(names) != len(mask):
            raise ModelFileError("the names of the columns do not match their number")
        encoder.feature_names_in_ = names
        ordinal.feature_names_in_ = names[mask]
    return encoder
