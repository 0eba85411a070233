//! Clustering.

mod agglomerative;
mod agglomerative_generic;
mod agglomerative_graph;
mod agglomerative_matrix;
mod agglomerative_single;
mod agglomerative_ward;
mod components;
mod dbscan;
mod dbscan_grid;
mod dbscan_tree;
mod dendrogram;
mod grid;
mod hdbscan;
mod hdbscan_clusters;
mod k_means;
mod k_means_bounds;
mod k_means_init;
mod k_means_points;
mod k_means_predict;
mod mini_batch_k_means;

pub use agglomerative::{AgglomerativeParams, Linkage, agglomerative_clustering_fit};
pub use agglomerative_graph::{AgglomerativeGraphParams, agglomerative_clustering_fit_graph};
pub use dbscan::{DbscanFit, DbscanParams, dbscan_fit};
pub use dendrogram::{Dendrogram, agglomerative_clustering_cut};
pub use hdbscan::{HdbscanParams, hdbscan_fit};
pub use hdbscan_clusters::{
    CondensedTree, SelectedClusters, Selection, SelectionParams, hdbscan_condense, hdbscan_select,
};
pub use k_means::{KMeansFit, KMeansParams, Starts, k_means_fit, k_means_fit_sparse};
pub use k_means_init::{KMeansInitParams, k_means_init, k_means_init_sparse};
pub use k_means_predict::{k_means_predict, k_means_predict_sparse};
pub use mini_batch_k_means::{
    MiniBatchStep, mini_batch_k_means_fit_step, mini_batch_k_means_fit_step_sparse,
};
