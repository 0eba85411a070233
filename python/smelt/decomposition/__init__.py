"""Decompositions: a matrix as a product of few factors."""

from typing import TYPE_CHECKING

from smelt._family import family

if TYPE_CHECKING:
    from smelt.decomposition.fast_ica import FastICA as FastICA
    from smelt.decomposition.incremental_pca import IncrementalPCA as IncrementalPCA
    from smelt.decomposition.nmf import NMF as NMF
    from smelt.decomposition.pca import PCA as PCA
    from smelt.decomposition.truncated_svd import TruncatedSVD as TruncatedSVD

__getattr__, __dir__, __all__ = family(
    __name__,
    {
        "FastICA": "fast_ica",
        "IncrementalPCA": "incremental_pca",
        "NMF": "nmf",
        "PCA": "pca",
        "TruncatedSVD": "truncated_svd",
    },
)
