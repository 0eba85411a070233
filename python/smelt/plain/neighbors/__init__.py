"""Twins of the neighbours."""

from smelt.plain.neighbors.hnsw import hnsw_fit, hnsw_query
from smelt.plain.neighbors.k_neighbors import k_neighbors_mean, k_neighbors_vote
from smelt.plain.neighbors.local_outlier_factor import (
    local_outlier_factor_fit,
    local_outlier_factor_score,
)
from smelt.plain.neighbors.nearest_neighbors import (
    nearest_neighbors_brute,
    nearest_neighbors_count,
    nearest_neighbors_fit,
    nearest_neighbors_query,
    nearest_neighbors_within,
)
from smelt.plain.neighbors.radius_neighbors import radius_neighbors_mean, radius_neighbors_vote

__all__ = [
    "hnsw_fit",
    "hnsw_query",
    "k_neighbors_mean",
    "k_neighbors_vote",
    "local_outlier_factor_fit",
    "local_outlier_factor_score",
    "nearest_neighbors_brute",
    "nearest_neighbors_count",
    "nearest_neighbors_fit",
    "nearest_neighbors_query",
    "nearest_neighbors_within",
    "radius_neighbors_mean",
    "radius_neighbors_vote",
]
