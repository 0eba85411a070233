"""Embeddings: pictures of high-dimensional data in a few dimensions."""

from typing import TYPE_CHECKING

from smelt._family import family

if TYPE_CHECKING:
    from smelt.manifold._trustworthiness import trustworthiness as trustworthiness
    from smelt.manifold.tsne import TSNE as TSNE
    from smelt.manifold.umap import UMAP as UMAP

__getattr__, __dir__, __all__ = family(
    __name__,
    {
        "TSNE": "tsne",
        "UMAP": "umap",
        "trustworthiness": "_trustworthiness",
    },
)
