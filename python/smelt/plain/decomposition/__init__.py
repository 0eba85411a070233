"""Twins of the decompositions."""

from smelt.plain.decomposition.fast_ica import fast_ica_fit
from smelt.plain.decomposition.incremental_pca import incremental_pca_fit_batch
from smelt.plain.decomposition.nmf import nmf_fit, nmf_fit_sparse
from smelt.plain.decomposition.pca import pca_fit, pca_fit_sparse
from smelt.plain.decomposition.truncated_svd import truncated_svd_fit, truncated_svd_fit_sparse

__all__ = [
    "fast_ica_fit",
    "incremental_pca_fit_batch",
    "nmf_fit",
    "nmf_fit_sparse",
    "pca_fit",
    "pca_fit_sparse",
    "truncated_svd_fit",
    "truncated_svd_fit_sparse",
]
