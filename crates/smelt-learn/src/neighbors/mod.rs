//! Nearest neighbours: packed trees and blocked products that find the rows next to a query,
//! and what those rows say.

mod arrange;
mod brute;
pub(crate) mod closest;
mod hnsw;
mod hnsw_beam;
mod hnsw_build;
mod hnsw_points;
mod hnsw_query;
mod local_outlier_factor;
pub(crate) mod metric;
mod scan;
pub(crate) mod tree;
pub(crate) mod tree_query;
#[cfg(test)]
mod tree_tests;
mod vote;
pub(crate) mod walk;

pub use brute::nearest_neighbors_brute;
pub use hnsw::{Hnsw, HnswMetric, HnswParams};
pub use hnsw_build::hnsw_fit;
pub use hnsw_query::hnsw_query;
pub use local_outlier_factor::{local_outlier_factor_fit, local_outlier_factor_score};
pub use metric::Metric;
pub use scan::nearest_neighbors_scan;
pub use tree::{PackedTree, Shape, TreeParams, nearest_neighbors_fit};
pub use tree_query::{Queries, Radius, RadiusNeighbors, tree_count, tree_nearest, tree_within};
pub use vote::{Neighborhoods, mean, vote};
