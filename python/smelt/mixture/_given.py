"""What a user gives a mixture to start from, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_array

from smelt._validate import FLOATS


def _check_shape(values: np.ndarray, shape: tuple[int, ...], name: str) -> None:
    if values.shape != shape:
        raise ValueError(
            f"The parameter '{name}' should have the shape of {shape}, but got {values.shape}"
        )


def given_weights(weights: Any, n_components: int) -> np.ndarray:
    """Return the weights: between 0 and 1, with sum 1."""
    weights = check_array(weights, dtype=list(FLOATS), ensure_2d=False)
    _check_shape(weights, (n_components,), "weights")
    if (weights < 0).any() or (weights > 1).any():
        raise ValueError(
            "The parameter 'weights' should be in the range [0, 1], but got max value "
            f"{weights.max():.5f}, min value {weights.min():.5f}"
        )
    total = float(weights.sum())
    if abs(1 - total) > (1e-6 if weights.dtype == np.float32 else 1e-8):
        raise ValueError(
            f"The parameter 'weights' should be normalized, but got sum(weights) = {total:.5f}"
        )
    return weights.astype(np.float64)  # type: ignore[no-any-return]


def given_means(means: Any, shape: tuple[int, int]) -> np.ndarray:
    """Return the means, one a component."""
    means = check_array(means, dtype=list(FLOATS), ensure_2d=False)
    _check_shape(means, shape, "means")
    return np.ascontiguousarray(means, dtype=np.float64)


def given_precisions(precisions: Any, covariance_type: str, shape: tuple[int, int]) -> np.ndarray:
    """Return the precisions: positive, or symmetric and positive definite."""
    k, d = shape
    precisions = check_array(
        precisions, dtype=list(FLOATS), ensure_2d=False, allow_nd=covariance_type == "full"
    )
    shapes = {"full": (k, d, d), "tied": (d, d), "diag": (k, d), "spherical": (k,)}
    _check_shape(precisions, shapes[covariance_type], f"{covariance_type} precision")
    if covariance_type in ("diag", "spherical"):
        if (precisions <= 0).any():
            raise ValueError(f"'{covariance_type} precision' should be positive")
        return precisions  # type: ignore[no-any-return]
    for matrix in precisions if covariance_type == "full" else [precisions]:
        if not (np.allclose(matrix, matrix.T) and (np.linalg.eigvalsh(matrix) > 0).all()):
            raise ValueError(
                f"'{covariance_type} precision' should be symmetric, positive-definite"
            )
    return precisions  # type: ignore[no-any-return]


def given_factors(precisions: np.ndarray, covariance_type: str) -> np.ndarray:
    """Return upper triangular U with U·Uᵀ = precision: Cholesky's factor, both ends turned."""
    if covariance_type in ("diag", "spherical"):
        return np.sqrt(precisions)
    turned = np.linalg.cholesky(precisions.astype(np.float64)[..., ::-1, ::-1])
    return turned[..., ::-1, ::-1]
