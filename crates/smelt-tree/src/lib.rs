//! Trees: decision trees, boosting, and what they share.

pub mod bag;
pub mod bins;
pub mod boosting;
pub mod ensemble;
pub mod explain;
mod histogram;
pub mod isolation_forest;
pub mod predict;
pub mod quantile;
pub mod tree;

pub use ensemble::{Ensemble, EnsembleRef};
