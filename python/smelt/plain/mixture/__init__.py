"""Twins of the mixtures."""

from smelt.plain.mixture.gaussian_mixture import (
    gaussian_mixture_fit_start,
    gaussian_mixture_fit_step,
    gaussian_mixture_predict,
)

__all__ = [
    "gaussian_mixture_fit_start",
    "gaussian_mixture_fit_step",
    "gaussian_mixture_predict",
]
