//! Trees: bins, histograms, splitter, grower, boosting.

pub mod ensemble;
pub mod predict;

pub use ensemble::{Ensemble, EnsembleRef};
