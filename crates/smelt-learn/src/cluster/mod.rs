//! Clustering.

mod components;
mod dbscan;
mod dbscan_grid;
mod dbscan_tree;
mod grid;
mod k_means;
mod k_means_bounds;
mod k_means_init;
mod k_means_points;
mod k_means_predict;
mod mini_batch_k_means;

pub use dbscan::{DbscanFit, DbscanParams, dbscan_fit};
pub use k_means::{KMeansFit, KMeansParams, Starts, k_means_fit, k_means_fit_sparse};
pub use k_means_init::{KMeansInitParams, k_means_init, k_means_init_sparse};
pub use k_means_predict::{k_means_predict, k_means_predict_sparse};
pub use mini_batch_k_means::{
    MiniBatchStep, mini_batch_k_means_fit_step, mini_batch_k_means_fit_step_sparse,
};
