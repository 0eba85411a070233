//! Trees: decision trees, boosting, and what they share.

pub mod bins;
pub mod boosting;
pub mod ensemble;
mod grower;
mod histogram;
pub mod loss;
pub mod predict;
pub mod quantile;
mod shuffler;
mod splitter;
pub mod tree;

pub use ensemble::{Ensemble, EnsembleRef};
