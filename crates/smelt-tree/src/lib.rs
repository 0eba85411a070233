//! Trees: bins, histograms, splitter, grower, boosting.

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

pub use ensemble::{Ensemble, EnsembleRef};
