//! Trees: decision trees, boosting, and what they share.

pub mod ada_boost;
pub mod bag;
pub mod bagging;
pub mod bins;
pub mod boosting;
mod descent;
pub mod ensemble;
pub mod explain;
mod histogram;
pub mod isolation_forest;
pub mod layout;
pub mod member;
pub mod predict;
pub mod quantile;
pub mod tree;

pub use ensemble::{Ensemble, EnsembleRef};
