"""Twins of the clustering kernels."""

from smelt.plain.cluster.agglomerative_clustering import (
    agglomerative_clustering_cut,
    agglomerative_clustering_fit,
    agglomerative_clustering_fit_graph,
)
from smelt.plain.cluster.dbscan import dbscan_fit
from smelt.plain.cluster.hdbscan import hdbscan_condense, hdbscan_fit, hdbscan_select
from smelt.plain.cluster.k_means import (
    k_means_fit,
    k_means_fit_sparse,
    k_means_init,
    k_means_init_sparse,
    k_means_predict,
    k_means_predict_sparse,
)
from smelt.plain.cluster.mini_batch_k_means import (
    mini_batch_k_means_fit_step,
    mini_batch_k_means_fit_step_sparse,
)

__all__ = [
    "agglomerative_clustering_cut",
    "agglomerative_clustering_fit",
    "agglomerative_clustering_fit_graph",
    "dbscan_fit",
    "hdbscan_condense",
    "hdbscan_fit",
    "hdbscan_select",
    "k_means_fit",
    "k_means_fit_sparse",
    "k_means_init",
    "k_means_init_sparse",
    "k_means_predict",
    "k_means_predict_sparse",
    "mini_batch_k_means_fit_step",
    "mini_batch_k_means_fit_step_sparse",
]
