"""Twins of the linear models."""

from smelt.plain.linear_model.linear_regression import (
    linear_regression_fit,
    linear_regression_fit_sparse,
)
from smelt.plain.linear_model.logistic_regression import (
    logistic_regression_fit,
    logistic_regression_fit_sparse,
)
from smelt.plain.linear_model.ridge import ridge_fit, ridge_fit_sparse

__all__ = [
    "linear_regression_fit",
    "linear_regression_fit_sparse",
    "logistic_regression_fit",
    "logistic_regression_fit_sparse",
    "ridge_fit",
    "ridge_fit_sparse",
]
