"""Twins of the measures."""

from smelt.plain.metrics.contingency import contingency_counts, expected_mutual_information
from smelt.plain.metrics.dispersion import cluster_dispersion
from smelt.plain.metrics.silhouette import silhouette_samples

__all__ = [
    "cluster_dispersion",
    "contingency_counts",
    "expected_mutual_information",
    "silhouette_samples",
]
