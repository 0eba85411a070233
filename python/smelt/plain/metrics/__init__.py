"""Twins of the measures."""

from smelt.plain.metrics.silhouette import silhouette_samples

__all__ = ["silhouette_samples"]
