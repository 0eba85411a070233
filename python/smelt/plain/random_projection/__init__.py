"""Twins of the random projections."""

from smelt.plain.random_projection.random_projection import (
    random_projection_transform,
    random_projection_transform_sparse,
    random_projection_transform_sparse_components,
    random_projection_transform_sparse_rows,
)

__all__ = [
    "random_projection_transform",
    "random_projection_transform_sparse",
    "random_projection_transform_sparse_components",
    "random_projection_transform_sparse_rows",
]
