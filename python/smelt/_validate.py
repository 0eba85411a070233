"""Inputs of estimators, checked and arranged once: dtype, order, NaN, frames, sparse, weights."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import _check_sample_weight, check_is_fitted
from sklearn.utils.validation import validate_data as _validate_data

FLOATS = (np.float64, np.float32)
_ONE_ROW = 64  # rows up to which the quick check pays
_PART = 1 << 22  # values converted between two looks at Ctrl-C
_LABELS = 32_768  # rows of y looked at together
_P = ParamSpec("_P")
_R = TypeVar("_R")


def nothing_lost(fit: Callable[_P, _R]) -> Callable[_P, _R]:
    """Leave the estimator as it was where its ``fit`` raises: a fitted one predicts as before."""

    @functools.wraps(fit)
    def kept(*args: _P.args, **keywords: _P.kwargs) -> _R:
        estimator: Any = args[0]
        before = dict(estimator.__dict__)
        try:
            return fit(*args, **keywords)
        except BaseException:
            estimator.__dict__.clear()
            estimator.__dict__.update(before)
            raise

    return kept


def validate_fit(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    order: str | None = None,
    accept_sparse: Any = False,
    multi_output: bool = False,
    y_numeric: bool = False,
    **options: Any,
) -> tuple[Any, Any]:
    """Check ``X, y`` for ``fit``: float32 stays float32, everything else becomes float64.

    ``order`` is the layout the kernel wants ("C" or "F"; None keeps what is there).  Sparse input
    comes back with sorted, summed entries.  Further options are scikit-learn's.
    """
    X, y = _validate_data(
        estimator,
        in_parts(X),
        y,
        accept_sparse=accept_sparse,
        dtype=list(FLOATS),
        order=order,
        multi_output=multi_output,
        y_numeric=y_numeric,
        **options,
    )
    return canonical(X), y


def in_parts(X: Any, dtype: Any = np.float64, kinds: str = "iub") -> Any:
    """Turn a large array of other ``kinds`` into ``dtype``; Ctrl-C is heard between its parts."""
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype.kind not in kinds or X.size <= _PART:
        return X
    if X.dtype == dtype:
        return X
    out = np.empty(X.shape, dtype=dtype, order="F" if X.flags.f_contiguous else "C")
    source, target = (X.T, out.T) if X.flags.f_contiguous else (X, out)
    step = max(1, _PART // source.shape[1])
    for start in range(0, source.shape[0], step):
        target[start : start + step] = source[start : start + step]
    return out


def validate_predict(
    estimator: Any, X: Any, *, accept_sparse: Any = False, order: str | None = "C", **options: Any
) -> Any:
    """Check ``X`` for ``predict``; a few rows of a plain float array take microseconds."""
    if (
        type(X) is np.ndarray
        and X.ndim == 2
        and 0 < X.shape[0] <= _ONE_ROW
        and X.dtype in FLOATS
        and X.flags.c_contiguous
        and not hasattr(estimator, "feature_names_in_")
        and X.shape[1] == getattr(estimator, "n_features_in_", -1)
        and (options.get("ensure_all_finite") is False or np.isfinite(X).all())
    ):
        return X
    check_is_fitted(estimator)
    X = _validate_data(
        estimator,
        X,
        reset=False,
        accept_sparse=accept_sparse,
        dtype=list(FLOATS),
        order=order,
        **options,
    )
    return canonical(X)


def validate_weight(sample_weight: Any, X: Any, *, allow_negative: bool = False) -> Any:
    """Check ``sample_weight``: None stays None, else a float64 vector, one weight a row."""
    if sample_weight is None:
        return None
    options = {} if allow_negative else {"ensure_non_negative": True}
    return _check_sample_weight(sample_weight, X, dtype=np.float64, **options)


def canonical(X: Any) -> Any:
    """Sparse input with sorted, summed entries, without touching the caller's matrix.

    A dense array that runs backwards, or whose strides are no whole numbers of values, is copied.
    """
    if sp.issparse(X):
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        return X
    if all(stride >= 0 and stride % X.itemsize == 0 for stride in X.strides):
        return X
    return np.ascontiguousarray(X)


def sparse_arrays(X: Any) -> tuple[Any, Any, Any, int]:
    """Arrange a CSR (or CSC) matrix for a kernel: int64 indptr, int32 indices, data, inner size."""
    inner = X.shape[1] if X.format == "csr" else X.shape[0]
    if inner > np.iinfo(np.int32).max:
        raise ValueError(f"a sparse matrix may have at most 2^31 - 1 columns here, got {inner}")
    return (
        np.ascontiguousarray(X.indptr, dtype=np.int64),
        np.ascontiguousarray(X.indices, dtype=np.int32),
        np.ascontiguousarray(X.data),
        int(inner),
    )


def classes_and_codes(y: Any) -> tuple[Any, Any]:
    """Return the classes in ascending order, and the position of each row's class among them."""
    if y.dtype.kind in "biu" and len(y):
        low, high = int(y.min()), int(y.max())
        if high - low < 65536:  # small integers: count instead of sorting
            shifted = y.astype(np.intp) - low
            present = np.bincount(shifted, minlength=high - low + 1) > 0
            codes = (np.cumsum(present) - 1).astype(np.int32)[shifted]
            return (np.flatnonzero(present) + low).astype(y.dtype), codes
    # Sorted in parts: shorter work, and Ctrl-C is answered between them.
    parts = [slice(start, start + _LABELS) for start in range(0, len(y), _LABELS)]
    classes = np.unique(np.concatenate([np.unique(y[part]) for part in parts]))
    codes = np.empty(len(y), dtype=np.int32)
    for part in parts:
        codes[part] = np.searchsorted(classes, y[part])
    return classes, codes
