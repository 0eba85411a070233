//! Measures of how good an answer is.

mod silhouette;

pub use silhouette::silhouette_samples;
