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
from smelt.plain.manifold.umap import umap_fit, umap_graph, umap_memberships, umap_spectral

__all__ = [
    "trustworthiness_penalty",
    "tsne_affinities",
    "tsne_affinities_exact",
    "tsne_fit",
    "tsne_fit_exact",
    "tsne_gradient",
    "tsne_gradient_exact",
    "umap_fit",
    "umap_graph",
    "umap_memberships",
    "umap_spectral",
]
