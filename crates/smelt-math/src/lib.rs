//! Mathematics under the learning algorithms.

pub mod linalg;
