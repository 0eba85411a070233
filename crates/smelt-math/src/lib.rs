//! Mathematics under the learning algorithms.

pub mod linalg;
pub mod optimize;
