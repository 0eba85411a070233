"""Twins of the embedding kernels."""

from smelt.plain.manifold.trustworthiness import trustworthiness_penalty
from smelt.plain.manifold.tsne import (
    tsne_affinities,
    tsne_affinities_exact,
    tsne_fit,
    tsne_fit_exact,
    tsne_gradient,
    tsne_gradient_exact,
)

__all__ = [
    "trustworthiness_penalty",
    "tsne_affinities",
    "tsne_affinities_exact",
    "tsne_fit",
    "tsne_fit_exact",
    "tsne_gradient",
    "tsne_gradient_exact",
]
