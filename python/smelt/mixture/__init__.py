"""Mixtures: rows are drawn from one of several distributions, nobody knows which."""

from typing import TYPE_CHECKING

from smelt._family import family

if TYPE_CHECKING:
    from smelt.mixture.gaussian_mixture import GaussianMixture as GaussianMixture

__getattr__, __dir__, __all__ = family(__name__, {"GaussianMixture": "gaussian_mixture"})
