"""Categorical columns of trees, forests and boosting: which they are, and their codes."""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder
from sklearn.utils import check_array

from smelt._validate import FLOATS
from smelt.tree._category_codes import categorical_columns, codes_by_table, few_rows, n_known

LARGEST_CODE = 255


def categorical_mask(X: Any, categorical_features: Any) -> Any:
    """Return a boolean mask of the categorical columns, or None where there are none."""
    frame = nw.from_native(X, pass_through=True)
    is_frame = isinstance(frame, nw.DataFrame)
    if isinstance(categorical_features, str) and categorical_features == "from_dtype":
        if not is_frame:
            return None
        wanted = np.asarray([t in (nw.Categorical, nw.Enum) for t in frame.schema.values()])
    elif categorical_features is None:
        return None
    else:
        wanted = np.asarray(categorical_features)
    if wanted.size == 0:
        return None
    kinds = {type(item).__name__ for item in wanted.ravel()} if wanted.dtype.kind == "O" else set()
    if wanted.dtype.kind not in "iubUO" or (kinds and kinds != {"str"}):
        given = ", ".join(sorted(kinds)) or wanted.dtype.name
        raise ValueError(
            f"categorical_features must be an array-like of bool, int or str, got: {given}."
        )
    n_features = X.shape[1] if hasattr(X, "shape") else np.asarray(X).shape[1]
    mask = np.zeros(n_features, dtype=bool)
    if wanted.dtype.kind in "UO":
        if not is_frame:
            raise ValueError(
                "categorical_features should be passed as an array of integers or as a boolean "
                "mask when the model is fitted on data without feature names."
            )
        names = list(frame.columns)
        for name in wanted:
            if name not in names:
                raise ValueError(
                    f"categorical_features has an item value '{name}' which is not a valid "
                    f"feature name of the training data. Observed feature names: {names}"
                )
            mask[names.index(name)] = True
    elif wanted.dtype.kind in "iu":
        if wanted.max() >= n_features or wanted.min() < 0:
            raise ValueError(
                "categorical_features set as integer indices must be in [0, n_features - 1]"
            )
        mask[wanted] = True
    else:
        if wanted.shape[0] != n_features:
            raise ValueError(
                "categorical_features set as a boolean mask must have shape (n_features,), got: "
                f"{wanted.shape}"
            )
        mask = wanted
    return mask if mask.any() else None


class Codes(NamedTuple):
    """How training looks at the columns of the arranged X."""

    order: np.ndarray  #: columns in the order of training: categories first, as in scikit-learn
    categories: list[np.ndarray]  #: values of the categorical columns, in the order of training


def codes_as_they_are(
    X: Any, mask: np.ndarray, max_bins: int, may_be_many: bool = False
) -> Codes | None:
    """Return the codes of columns that hold codes 0..255 already, else None."""
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "fiub":
        return None
    categories = []
    for column in np.flatnonzero(mask):
        values = np.unique(X[:, column]).astype(np.float64)
        values = values[~np.isnan(values)]
        if len(values) and (values[0] < 0 or values[-1] > LARGEST_CODE or (values % 1).any()):
            return None
        if may_be_many and len(values) > max_bins:
            return None
        _check_cardinality(len(values), max_bins, f"at index {column}")
        categories.append(values)
    order = np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)])
    return Codes(order.astype(np.int64), categories)


def fit_encoder(
    X: Any, mask: np.ndarray, max_bins: int, may_be_many: bool = False
) -> tuple[ColumnTransformer, Any, Codes]:
    """Return a fitted encoder, what it makes of ``X`` (codes in front), and the codes."""
    encoder = ColumnTransformer(
        [
            (
                "encoder",
                OrdinalEncoder(
                    handle_unknown="use_encoded_value",
                    unknown_value=np.nan,
                    encoded_missing_value=np.nan,
                    dtype=np.float64,
                ),
                mask,
            ),
            ("numerical", FunctionTransformer(_check_numbers), ~mask),
        ]
    )
    encoder.set_output(transform="default")
    columns = categorical_columns(X, mask) if all(type(n) is str for n in _names(X)) else None
    if columns and len(X):
        encoder.fit(few_rows(X, mask, columns))
        encoded = _encode_columns(encoder, X, columns)
    else:
        encoded = encoder.fit_transform(X)
    ordinal = encoder.named_transformers_["encoder"]
    names = getattr(ordinal, "feature_names_in_", None)
    categories = []
    for index, values in enumerate(ordinal.categories_):
        size = n_known(values)
        name = f"at index {index}" if names is None else repr(names[index])
        if not may_be_many:
            _check_cardinality(size, max_bins, name)
        categories.append(np.arange(size, dtype=np.float64))
    return encoder, encoded, Codes(np.arange(encoded.shape[1], dtype=np.int64), categories)


def encode(encoder: ColumnTransformer, X: Any) -> Any:
    """Return new rows as a fitted encoder arranges them."""
    mask = np.asarray(encoder.transformers_[0][2], dtype=bool)
    names = getattr(encoder, "feature_names_in_", None)
    if names is not None and list(names) == list(_names(X)):
        columns = categorical_columns(X, mask)
        if columns is not None:
            return _encode_columns(encoder, X, columns)
    return encoder.transform(X)


def _names(X: Any) -> Any:
    return X.columns if hasattr(X, "columns") else (None,)


def _encode_columns(encoder: ColumnTransformer, X: Any, columns: Any) -> np.ndarray:
    """Return codes in front, numbers behind."""
    mask = np.asarray(encoder.transformers_[0][2], dtype=bool)
    found = np.empty((len(X), len(mask)))
    codes = codes_by_table(columns, encoder.named_transformers_["encoder"].categories_)
    for j, column in enumerate(codes):
        found[:, j] = column
    if not mask.all():
        frame = nw.from_native(X)
        others = [
            name for name, is_category in zip(frame.columns, mask, strict=True) if not is_category
        ]
        found[:, len(codes) :] = _check_numbers(frame.select(others).to_native())
    return found


def _check_numbers(X: Any) -> Any:
    return check_array(X, dtype=list(FLOATS), ensure_all_finite=False)


def _check_cardinality(n_categories: int, max_bins: int, name: str) -> None:
    if n_categories > max_bins:
        raise ValueError(
            f"Categorical feature {name} is expected to have a cardinality <= {max_bins} but "
            f"actually has a cardinality of {n_categories}."
        )


def known_sets(codes: Codes | None, n_features: int) -> np.ndarray:
    """Bit sets of the known categories, (n_features, 8) uint32; (0, 8) without categories."""
    if codes is None:
        return np.zeros((0, 8), dtype=np.uint32)
    sets = np.zeros((n_features, 8), dtype=np.uint32)
    for column, values in zip(codes.order, codes.categories, strict=False):
        for value in values.astype(np.int64):
            sets[column, value // 32] |= np.uint32(1 << (value % 32))
    return sets
