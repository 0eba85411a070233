"""Projections onto random directions: fewer columns, nearly the same distances."""

from typing import TYPE_CHECKING

from smelt._family import family

if TYPE_CHECKING:
    from smelt.random_projection.random_projection import (
        GaussianRandomProjection as GaussianRandomProjection,
    )
    from smelt.random_projection.random_projection import (
        SparseRandomProjection as SparseRandomProjection,
    )

__getattr__, __dir__, __all__ = family(
    __name__,
    {
        "GaussianRandomProjection": "random_projection",
        "SparseRandomProjection": "random_projection",
    },
)
