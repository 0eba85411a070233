"""Rows times random directions.

Kernel: ``smelt-learn/src/random_projection/random_projection.rs``.
Sparse matrices come as compressed rows: indptr, indices, data and the number of columns.
"""

import numpy as np


def random_projection_transform(X, components):
    return X @ components.T


def random_projection_transform_sparse_rows(X, components):
    return _dense(X) @ components.T


def random_projection_transform_sparse_components(X, components):
    return X @ _dense(components).T


def random_projection_transform_sparse(X, turned):
    # An entry is there where any row entry meets a direction, even if the sum is 0.
    product = _dense(X) @ _dense(turned)
    met = _dense(X, pattern=True) @ _dense(turned, pattern=True) > 0
    rows, columns = np.nonzero(met)
    indptr = np.searchsorted(rows, np.arange(len(met) + 1))
    return indptr, columns.astype(np.int32), product[rows, columns]


def _dense(matrix, pattern=False):
    indptr, indices, data, n_columns = matrix
    out = np.zeros((len(indptr) - 1, n_columns), dtype=data.dtype)
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    out[rows, indices] = 1 if pattern else data
    return out
